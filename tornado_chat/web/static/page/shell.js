// @ts-check
/** <chat-shell>: what stands around a view while somebody is signed in. */
import { ChatError } from "../client.js";
import { AccountMenu } from "./account-menu.js";
import { atMost, Badge } from "./badge.js";
import { attribute, brand, el, focusHeading, icon, View } from "./dom.js";
import { LinkState } from "./link-state.js";
import { Loading } from "./loading.js";
import { Toasts } from "./notes/toasts.js";
import { href, route } from "./route.js";
import { t } from "./words.js";

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {View & {go: (path: string[]) => void}} Place  a view of the first level, with a heading
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
    open: (session) => session.has("chat_rooms"),
    count: ({ rooms }) => rooms.unread,
    load: () => import("./rooms/place.js"),
  },
  {
    name: "notes",
    icon: "bell",
    open: (session) => session.has("notifications"),
    count: ({ notes }) => notes.unviewed,
    load: () => import("./notes/place.js"),
  },
  {
    name: "orders",
    icon: "list",
    open: (session) => session.has("order_list"),
    load: () => import("./orders/place.js"),
  },
  {
    name: "admin",
    icon: "gear",
    open: (session) => session.may("admin"),
    load: () => import("./admin/place.js"),
  },
];

export class Shell extends View {
  /** @type {Map<string, {link: HTMLAnchorElement, badge: Badge, way: Way}>} by name */
  #ways = new Map();
  #main = el("main", { id: "content", tabindex: -1 });
  #nav = el("nav", { "aria-label": t("app.places") });
  #session;
  #stays;
  /** @type {Place | null} */
  #place = null;
  #name = "";
  /** @type {Map<string, string[]>} where one was in each view, by its name */
  #left = new Map();

  /** @param {Session} session @param {boolean} stays  the focus, where it is */
  constructor(session, stays) {
    super();
    this.#session = session;
    this.#stays = stays;
  }

  open() {
    const { rooms, notes, chat } = this.#session;
    const skip = (/** @type {Event} */ event) => this.#skip(event);
    this.show(
      el("a", { class: "skip", href: "#content", on: { click: skip } }, t("app.skip")),
      el("header", {}, brand(), this.#nav, new LinkState(chat), new AccountMenu(this.#session)),
      new Toasts(this.#session),
      this.#main,
    );
    this.listen(this.#session, "change", () => this.#draw());
    this.listen(chat, "state", () => this.#look());
    this.listen(rooms, "change", () => this.#count());
    this.listen(notes, "change", () => this.#count());
    this.listen(route, "change", () => this.#go());
    this.#draw();
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault(); // it is no address of ours
    this.#main.focus();
  }

  #draw() {
    const session = this.#session;
    this.#ways.clear();
    for (const way of WAYS.filter(({ open }) => session.known && open(session))) {
      const badge = new Badge();
      const name = el("span", {}, t(`app.${way.name}`));
      const link = el("a", { href: href(way.name) }, icon(way.icon), name, badge);
      this.#ways.set(way.name, { link, badge, way });
    }
    this.#nav.replaceChildren(...[...this.#ways.values()].map(({ link }) => link));
    this.#go();
    this.#count();
  }

  /** What waits: at the ways, and in the title. */
  #count() {
    let all = 0;
    for (const { badge, way } of this.#ways.values()) {
      const count = way.count?.(this.#session) ?? 0;
      badge.tell(count, t("app.unread", { count }));
      all += count;
    }
    const here = this.#name ? `${t(`app.${this.#name}`)} · ` : "";
    document.title = `${all ? `(${atMost(all)}) ` : ""}${here}${t("app.name")}`;
  }

  /** To the view of the address, or the first one. */
  #go() {
    const [asked, ...rest] = route.path;
    const name = this.#ways.has(asked) ? asked : (this.#ways.keys().next().value ?? "");
    const path = name === asked ? rest : [];
    this.#left.set(name, path);
    for (const [each, { link }] of this.#ways) {
      const there = each === name ? [] : (this.#left.get(each) ?? []);
      attribute(link, "aria-current", each === name && "page");
      attribute(link, "href", href(each, ...there));
    }
    if (name === this.#name) this.#place?.go(path);
    else this.#enter(name);
  }

  /** @param {string} name */
  #enter(name) {
    this.#name = name;
    this.#place = null;
    const way = this.#ways.get(name)?.way;
    this.#main.replaceChildren(way ? this.#coming(way) : this.#nothing());
    this.#count();
  }

  /** @param {Way} way */
  #coming(way) {
    const load = async () => {
      const { default: Found } = await way.load().catch(notThere);
      return new Found(this.#session);
    };
    return new Loading(load, (place) => {
      const [asked, ...rest] = route.path;
      this.#place = place;
      place.go(asked === way.name ? rest : []);
      if (!this.#stays && !place.contains(document.activeElement)) focusHeading(place);
      this.#stays = false;
      this.#fetchOthers();
    });
  }

  /** So that they are there even if the server is not. */
  #fetchOthers() {
    for (const { way } of this.#ways.values()) way.load().catch(() => {});
  }

  /** Nobody knows yet what there is, or there is nothing. */
  #nothing() {
    const away = this.#session.chat.state === "waiting" && t("app.away");
    return el("p", { class: "empty" }, this.#session.known ? t("app.nothing") : away);
  }

  /** The connection has changed: what could not be loaded may be there now. */
  #look() {
    const back = this.#session.chat.state === "open" && this.#main.querySelector(".failure");
    if (!this.#name || (!this.#place && back)) this.#enter(this.#name);
  }
}

/** Browsers tell a module that did not come by the text alone. @param {Error} problem @returns {never} */
function notThere(problem) {
  const away = problem instanceof TypeError && /fetch|import/i.test(problem.message);
  throw away ? new ChatError("unavailable", problem.message) : problem;
}

customElements.define("chat-shell", Shell);
