// @ts-check
/** <chat-admin-users>: the people of the company. */
import { ask } from "../dialog.js";
import { el } from "../dom.js";
import { PasswordField } from "../password.js";
import { route } from "../route.js";
import { t } from "../words.js";
import { field, mark, person } from "./cells.js";
import { List } from "./list.js";

/**
 * @typedef {{user_id: string, login_name: string, name: string, first_name: string, last_name: string, email: string,
 *   groups: string[], permissions: string[], disabled: boolean, source: string, has_password: boolean, online: boolean,
 *   created: string}} Person
 */

/** What may be said of somebody: by name, and the attributes of its field. @type {[string, Record<string, any>][]} */
export const FIELDS = [
  ["login_name", { required: true, maxlength: 255, autocomplete: "off" }],
  ["first_name", { maxlength: 255 }],
  ["last_name", { maxlength: 255 }],
  ["name", { maxlength: 255 }],
  ["email", { maxlength: 255, type: "email" }],
  ["groups", {}],
  ["permissions", {}],
];
const LISTS = ["groups", "permissions"];

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
    const fields = makeFields();
    const password = new PasswordField(t("sign.password"), "new-password", { required: false, minlength: 8 });
    let id = "";
    const send = async () => {
      const body = { ...read(fields), ...(password.value && { password: password.value }) };
      id = (await this.session.rest.post("/admin/users", body)).user.user_id;
    };
    const note = el("p", { class: "faint" }, t("admin.no_password"));
    const question = { title: t("admin.add"), action: t("admin.add"), send };
    if (await ask(question, ...drawn(fields), password, note)) route.go("admin", "users", id);
  }
}

/** @param {Partial<Person>} [known] @returns {Map<string, HTMLInputElement>} */
export function makeFields(known = {}) {
  return new Map(
    FIELDS.map(([name, more]) => {
      const value = /** @type {any} */ (known)[name] ?? "";
      return [name, el("input", { ...more, is: { value: LISTS.includes(name) ? [...value].join(", ") : value } })];
    }),
  );
}

/** @param {Map<string, HTMLInputElement>} fields */
export function drawn(fields) {
  return [...fields].map(([name, input]) => field(name, input, LISTS.includes(name) ? t(`admin.${name}.note`) : ""));
}

/** @param {Map<string, HTMLInputElement>} fields @returns {Record<string, any>} */
export function read(fields) {
  const value = (/** @type {string} */ name, /** @type {string} */ text) =>
    LISTS.includes(name) ? text.split(/[\s,]+/).filter(Boolean) : text.trim();
  return Object.fromEntries([...fields].map(([name, input]) => [name, value(name, input.value)]));
}

/** @param {Person} person */
export function state({ disabled, online }) {
  if (disabled) return mark("bad", t("admin.disabled"));
  return online && mark("good", t("rooms.online"));
}

customElements.define("chat-admin-users", Users);
