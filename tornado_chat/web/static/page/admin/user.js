// @ts-check
/** <chat-admin-user>: one person, what may be changed of him, and his keys. */
import { ask } from "../dialog.js";
import { el, focusHeading, View } from "../dom.js";
import { failure, Loading } from "../loading.js";
import { PasswordField } from "../password.js";
import { href } from "../route.js";
import { say } from "../say.js";
import { t } from "../words.js";
import { button, mark } from "./cells.js";
import { Fields } from "./fields.js";
import { Keys } from "./keys.js";
import { state } from "./users.js";

/** @typedef {import("./fields.js").Person} Person */

export class User extends View {
  #path;
  #name = el("h2");
  #said = el("div");
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
    const fields = new Fields(user);
    const ours = user.source === "database";
    if (!ours) fields.lock();
    const form = el(
      "form",
      { on: { submit: (/** @type {Event} */ event) => this.#save(event, fields) } },
      !ours && el("p", { class: "note" }, t(`admin.from.${user.source}`)),
      ...fields.parts,
      this.#said,
      ours && el("div", { class: "actions" }, el("button", { class: "main", type: "submit" }, t("app.save"))),
    );
    this.#name.textContent = user.name;
    const himself = user.user_id === this.#session.user.user_id;
    return el(
      "div",
      { class: "person" },
      el(
        "header",
        {},
        this.#name,
        state(user),
        !user.has_password && mark("info", t("admin.keys_only")),
        el("span", { class: "id faint" }, user.user_id),
        user.source !== "growerp" && button(t("admin.password"), () => this.#password(user)),
        !himself && button(t(user.disabled ? "admin.enable" : "admin.disable"), () => this.#turn(user)),
      ),
      form,
      new Keys(this.#session, this.#path),
    );
  }

  /** @param {Event} event @param {Fields} fields */
  async #save(event, fields) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    this.#said.replaceChildren();
    try {
      this.#name.textContent = (await this.#patch(fields.changes)).user.name;
      fields.settle();
      this.#said.replaceChildren(el("p", { class: "saved" }, t("admin.saved")));
      say(t("admin.saved"));
    } catch (problem) {
      this.#said.replaceChildren(failure(problem));
    } finally {
      form.ariaBusy = "false";
    }
  }

  /** @param {Record<string, any>} body */
  #patch(body) {
    return this.#session.rest.patch(this.#path, body);
  }

  /** @param {Person} user */
  async #turn({ name, disabled }) {
    const question = {
      title: t(disabled ? "admin.enable.of" : "admin.disable.of", { name }),
      action: t(disabled ? "admin.enable" : "admin.disable"),
      danger: !disabled,
      send: () => this.#patch({ disabled: !disabled }),
    };
    const about = t(disabled ? "admin.enable.sure" : "admin.disable.sure");
    if (await ask(question, el("p", {}, about))) this.open();
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
