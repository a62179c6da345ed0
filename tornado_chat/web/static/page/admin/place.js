// @ts-check
/** <chat-admin>: `#/admin/…`, the company and the server as an admin sees them. */
import { attribute, el, focusHeading, View } from "../dom.js";
import { href } from "../route.js";
import { t } from "../words.js";
import { Configuration } from "./configuration.js";
import { Notification } from "./notification.js";
import { Plugin, Plugins } from "./plugins.js";
import { Sessions } from "./sessions.js";
import { Topics } from "./topics.js";
import { User } from "./user.js";
import { Users } from "./users.js";

/** @typedef {import("../session.js").Session} Session */

/** @type {Record<string, new (session: Session) => View>} by name in the address, and `admin.…` in the words */
const PARTS = {
  sessions: Sessions,
  topics: Topics,
  plugins: Plugins,
  users: Users,
  notification: Notification,
  configuration: Configuration,
};
/** @type {Record<string, new (session: Session, id: string) => View>} one of them, as `#/admin/users/100021` */
const ONE = { plugins: Plugin, users: User };

export class AdminPlace extends View {
  /** @type {Map<string, HTMLAnchorElement>} */
  #links = new Map();
  #part = el("div", { class: "part" });
  #open = "";
  #session;

  /** @param {Session} session */
  constructor(session) {
    super();
    this.#session = session;
  }

  open() {
    for (const name of Object.keys(PARTS)) {
      if (name === "notification" && !this.#session.has("notifications")) continue;
      this.#links.set(name, el("a", { href: href("admin", name) }, t(`admin.${name}`)));
    }
    const ways = { class: "ways", role: "navigation", "aria-label": t("admin.parts") };
    const title = el("h1", { class: "only-heard" }, t("app.admin"));
    this.show(title, el("div", ways, ...this.#links.values()), this.#part);
  }

  /** Where one is in it. @param {string[]} path  after its own name */
  go([asked = "", id = ""]) {
    const name = this.#links.has(asked) ? asked : "sessions";
    const one = name === asked && id ? ONE[name] : undefined;
    const open = one ? `${name}/${id}` : name;
    if (open === this.#open) return;
    const moved = this.#open !== "";
    this.#open = open;
    for (const [each, link] of this.#links) attribute(link, "aria-current", each === name && "page");
    this.#links.get(name)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    const view = one ? new one(this.#session, id) : new PARTS[name](this.#session);
    this.#part.replaceChildren(view);
    if (moved) focusHeading(view);
  }
}

customElements.define("chat-admin", AdminPlace);
export default AdminPlace;
