// @ts-check
/** <chat-admin-user>: one person, what may be changed of him, and his keys. */
import { ask } from "../dialog.js";
import { el, focusHeading, View } from "../dom.js";
import { Loading } from "../loading.js";
import { PasswordField } from "../password.js";
import { href } from "../route.js";
import { t } from "../words.js";
import { button, mark } from "./cells.js";
import { Fields } from "./fields.js";
import { Keys } from "./keys.js";
import { sheet } from "./sheet.js";
import { state } from "./users.js";

/** @typedef {import("./fields.js").Person} Person */

export class User extends View {
  #path;
  #name = el("h2");
  #session;

  /** @param {import("../session.js").Session} session @param {string} id */
  constructor(session, id) {
    super();
    this.#session = session;
    this.#path = `/admin/users/${encodeURIComponent(id)}`;
  }

  open() {
    const load = async (/** @type {AbortSignal} */ signal) => {
      const { user } = await this.#session.rest.request("GET", this.#path, { signal });
      return this.#drawn(user);
    };
    const back = el("a", { href: href("admin", "users") }, t("admin.all_users"));
    const arrived = () => document.activeElement === document.body && focusHeading(this);
    this.show(el("p", {}, back), new Loading(load, arrived));
  }

  /** @param {Person} user */
  #drawn(user) {
    const { source, user_id: id, disabled } = user;
    const turn = id !== this.#session.user.user_id && (disabled ? "enable" : "disable");
    this.#name.textContent = user.name;
    return el(
      "div",
      { class: "person" },
      el(
        "header",
        {},
        this.#name,
        state(user),
        !user.has_password && mark("info", t("admin.keys_only")),
        el("span", { class: "id faint" }, id),
        source !== "growerp" && button(t("admin.password"), () => this.#password(user)),
        turn && button(t(`admin.${turn}`), () => this.#turn(user, turn)),
      ),
      this.#form(user),
      new Keys(this.#session, this.#path),
    );
  }

  /** @param {Person} user */
  #form(user) {
    const fields = new Fields(user);
    if (user.source !== "database") {
      fields.lock();
      const why = el("p", { class: "note" }, t(`admin.from.${user.source}`));
      return el("form", { class: "sheet" }, why, ...fields.parts);
    }
    const send = async () => {
      this.#name.textContent = (await this.#patch(fields.changes)).user.name;
      fields.settle();
    };
    return sheet({ action: t("app.save"), done: t("admin.saved"), send }, ...fields.parts);
  }

  /** @param {Record<string, any>} body */
  #patch(body) {
    return this.#session.rest.patch(this.#path, body);
  }

  /** @param {Person} user @param {"enable" | "disable"} turn */
  async #turn({ name, disabled }, turn) {
    const question = {
      title: t(`admin.${turn}.of`, { name }),
      action: t(`admin.${turn}`),
      danger: !disabled,
      send: () => this.#patch({ disabled: !disabled }),
    };
    if (await ask(question, el("p", {}, t(`admin.${turn}.sure`)))) this.open();
  }

  /** @param {Person} user */
  async #password({ name }) {
    const password = new PasswordField(t("account.new"), "new-password", { minlength: 8 });
    const send = () => this.#patch({ password: password.value });
    const question = { title: t("admin.password.of", { name }), action: t("app.save"), danger: true, send };
    if (await ask(question, password, el("p", { class: "tip" }, t("admin.password.sure")))) this.open();
  }
}

customElements.define("chat-admin-user", User);
