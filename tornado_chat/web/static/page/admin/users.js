// @ts-check
/** <chat-admin-users>: the people of the company. */
import { ask } from "../dialog.js";
import { el } from "../dom.js";
import { PasswordField } from "../password.js";
import { route } from "../route.js";
import { t } from "../words.js";
import { mark, person } from "./cells.js";
import { Fields } from "./fields.js";
import { List } from "./list.js";

/** @typedef {import("./fields.js").Person} Person */

export class Users extends List {
  /** @param {import("../session.js").Session} session */
  constructor(session) {
    const add = el("button", { class: "main", on: { click: () => this.#add() } }, t("admin.add"));
    super(
      session,
      "users",
      [
        { name: "name", show: person, of: ({ name }) => name },
        { name: "login_name", show: ({ login_name: login }) => login || "–" },
        { name: "groups", show: ({ groups }) => groups.join(", ") || "–" },
        { name: "permissions", show: ({ permissions }) => permissions.join(", ") || "–" },
        { name: "state", show: (row) => state(row) || "–", of: (row) => `${row.disabled} ${row.online}` },
      ],
      ({ user_id: id }) => id,
      { search: true, tools: [add] },
    );
  }

  async #add() {
    const fields = new Fields();
    const password = new PasswordField(t("sign.password"), "new-password", { required: false, minlength: 8 });
    let id = "";
    const send = async () => {
      const body = { ...fields.changes, ...(password.value && { password: password.value }) };
      id = (await this.session.rest.post("/admin/users", body)).user.user_id;
    };
    const tip = el("p", { class: "tip" }, t("admin.no_password"));
    const question = { title: t("admin.add"), action: t("admin.add"), send };
    if (await ask(question, ...fields.parts, el("div", {}, password, tip))) route.go("admin", "users", id);
  }
}

/** @param {Person} person */
export function state({ disabled, online }) {
  if (disabled) return mark("bad", t("admin.disabled"));
  return online && mark("good", t("rooms.online"));
}

customElements.define("chat-admin-users", Users);
