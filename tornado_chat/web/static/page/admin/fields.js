// @ts-check
/** What may be said of a person, as fields of a form. */
import { el } from "../dom.js";
import { t } from "../words.js";
import { field } from "./cells.js";

/**
 * @typedef {{user_id: string, login_name: string, name: string, first_name: string, last_name: string,
 *   email: string, groups: string[], permissions: string[], disabled: boolean, source: string,
 *   has_password: boolean, online: boolean}} Person
 */

const LISTS = ["groups", "permissions"];
const NEW = ["login_name", "first_name", "last_name", "email", ...LISTS];

export class Fields {
  /** @type {Map<string, HTMLInputElement>} */
  #inputs = new Map();

  /** @param {Person} [known] */
  constructor(known) {
    for (const name of known ? ["name", ...NEW] : NEW) {
      const said = /** @type {any} */ (known)?.[name] ?? "";
      const value = Array.isArray(said) ? said.join(", ") : said;
      this.#inputs.set(name, el("input", { value, required: /^(login_)?name$/.test(name), autocomplete: "off" }));
    }
  }

  /** Each below its name. */
  get parts() {
    return [...this.#inputs].map(([name, input]) =>
      field(name, input, LISTS.includes(name) ? t(`admin.${name}.note`) : ""),
    );
  }

  /** What differs from what was known. @returns {Record<string, any>} */
  get changes() {
    const changed = [...this.#inputs].filter(([, { value, defaultValue }]) => value !== defaultValue);
    return Object.fromEntries(changed.map(([name, { value }]) => [name, read(name, value)]));
  }

  /** It can be looked at, and no more. */
  lock() {
    for (const input of this.#inputs.values()) input.readOnly = true;
  }

  /** What it says now is known. */
  settle() {
    for (const input of this.#inputs.values()) input.defaultValue = input.value;
  }
}

/** @param {string} name @param {string} text */
function read(name, text) {
  return LISTS.includes(name) ? text.split(/[\s,]+/).filter(Boolean) : text.trim();
}
