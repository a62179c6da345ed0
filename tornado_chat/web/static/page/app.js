// @ts-check
/** <chat-app>: who is signed in, the way between the views, and the state of the connection. */
import { forget, kept, signOut } from "./account.js";
import { attribute, el, icon, View } from "./dom.js";
import { LinkState } from "./link-state.js";
import { href, route } from "./route.js";
import { Session } from "./session.js";
import { SignIn } from "./sign-in.js";
import { t } from "./words.js";

/**
 * @typedef {View & {go: (path: string[]) => void}} Place  a view of the first level
 *
 * @typedef {object} Way
 * @property {string} name  in the address, and `app.…` in the words
 * @property {"chat" | "bell" | "list" | "gear"} icon
 * @property {(session: Session) => boolean} open  whether it is there for him
 * @property {(session: Session) => number} [count]  of what waits there
 * @property {() => Promise<{default: new (session: Session) => Place}>} load
 */

/** @type {Way[]} */
const WAYS = [
  {
    name: "rooms",
    icon: "chat",
    open: ({ plugins }) => plugins.includes("chat_rooms"),
    count: ({ rooms }) => rooms.unread,
    load: () => import("./rooms/place.js"),
  },
  {
    name: "notes",
    icon: "bell",
    open: ({ plugins }) => plugins.includes("notifications"),
    count: ({ notes }) => notes.unviewed,
    load: () => import("./notes/place.js"),
  },
  {
    name: "orders",
    icon: "list",
    open: ({ plugins }) => plugins.includes("order_list"),
    load: () => import("./orders/place.js"),
  },
  {
    name: "admin",
    icon: "gear",
    open: (session) => session.may("admin"),
    load: () => import("./admin/place.js"),
  },
];

const MOST = 99; // what a badge counts

export class App extends View {
  open() {
    const account = kept();
    if (account) this.#enter(account);
    else this.#ask();
  }

  /** @param {string} [why] */
  #ask(why) {
    document.title = t("app.name");
    this.show(new SignIn((account) => this.#enter(account), why));
  }

  /** @param {import("./account.js").Account} account */
  #enter(account) {
    const session = new Session(account);
    session.addEventListener("ended", () => {
      forget(account.key);
      session.close();
      this.#ask(t("sign.ended"));
    });
    this.show(new Shell(session, () => this.#leave(session)));
  }

  /** @param {Session} session */
  async #leave(session) {
    session.close();
    this.#ask();
    await signOut(session.account);
  }
}

/** <chat-shell>: all that stands around a view. */
class Shell extends View {
  /** @type {Map<string, HTMLAnchorElement>} */
  #links = new Map();
  #main = el("main", { id: "content", tabindex: -1 });
  #nav = el("nav", { "aria-label": t("app.places") });
  #session;
  #leave;
  /** @type {Place | null} */
  #place = null;
  #name = "";

  /** @param {Session} session @param {() => void} leave */
  constructor(session, leave) {
    super();
    this.#session = session;
    this.#leave = leave;
  }

  open() {
    const { user, rooms, notes } = this.#session;
    this.show(
      el("a", { class: "skip", href: "#content", on: { click: (event) => this.#skip(event) } }, t("app.skip")),
      el(
        "header",
        {},
        this.#nav,
        new LinkState(this.#session.chat),
        el("button", { on: { click: this.#leave } }, icon("person"), `${user.name}: ${t("account.out")}`),
      ),
      this.#main,
    );
    this.listen(this.#session, "change", () => this.#ways());
    this.listen(rooms, "change", () => this.#count());
    this.listen(notes, "change", () => this.#count());
    this.listen(route, "change", () => this.#go());
    this.#ways();
  }

  close() {
    this.#session.close();
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault(); // it is no address of ours
    this.#main.focus();
  }

  #ways() {
    this.#links.clear();
    for (const { name, icon: picture } of WAYS.filter(({ open }) => open(this.#session))) {
      const text = el("span", {}, t(`app.${name}`));
      const link = el("a", { href: href(name) }, icon(picture), text, el("span", { class: "badge" }));
      this.#links.set(name, link);
    }
    this.#nav.replaceChildren(...this.#links.values());
    this.#count();
    this.#go();
  }

  /** What waits: at the ways, and in the title. */
  #count() {
    let all = 0;
    for (const { name, count } of WAYS) {
      const badge = this.#links.get(name)?.querySelector(".badge");
      if (!badge || !count) continue;
      const waiting = count(this.#session);
      all += waiting;
      badge.textContent = waiting > MOST ? `${MOST}+` : waiting ? String(waiting) : "";
      attribute(badge, "aria-label", waiting ? t("app.unread", { count: waiting }) : null);
    }
    document.title = all ? `(${all > MOST ? `${MOST}+` : all}) ${t("app.name")}` : t("app.name");
  }

  async #go() {
    if (!this.#links.size) return; // nobody knows yet what there is
    const [asked, ...rest] = route.path;
    const name = this.#links.has(asked) ? asked : [...this.#links.keys()][0];
    for (const [each, link] of this.#links) attribute(link, "aria-current", each === name && "page");
    if (name !== this.#name) {
      this.#name = name;
      const { default: Found } = await WAYS.find((way) => way.name === name)?.load() ?? {};
      if (this.#name !== name || !Found) return; // he has gone on meanwhile
      this.#place = new Found(this.#session);
      this.#main.replaceChildren(this.#place);
    }
    this.#place?.go(name === asked ? rest : []);
  }
}

customElements.define("chat-app", App);
customElements.define("chat-shell", Shell);
