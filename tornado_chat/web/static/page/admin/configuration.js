// @ts-check
/** <chat-admin-configuration>: the configuration in force, without its secrets. */
import { el } from "../dom.js";
import { t } from "../words.js";
import { mark } from "./cells.js";
import { Live } from "./live.js";

/** @typedef {{name: string, values: [string, any][]}} Part  a table of the file */

const HIDDEN = "***";

export class Configuration extends Live {
  #file = el("p", { class: "faint" });
  #parts = el("div", { class: "parts" });
  #none = el("p", { class: "empty", hidden: true }, t("admin.none"));
  #was = "";
  #search = el("input", {
    type: "search",
    placeholder: t("admin.search"),
    "aria-label": t("admin.search"),
    on: { input: () => this.#filter() },
  });
  #session;

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.#session = session;
  }

  open() {
    const head = el("header", {}, el("h2", {}, t("admin.configuration")), this.#search);
    this.show(head, this.problem, this.#file, this.#parts, this.#none, this.at);
    super.open();
  }

  /** @param {AbortSignal} signal */
  ask(signal) {
    return this.#session.rest.request("GET", "/admin/configuration", { signal });
  }

  /** @param {{file: string | null, configuration: any}} found */
  draw({ file, configuration }) {
    const now = JSON.stringify(configuration);
    if (now === this.#was) return;
    this.#was = now;
    this.#file.textContent = file ?? t("admin.no_file");
    const { users, ...others } = configuration; // there may be many
    this.#parts.replaceChildren(...Array.from(parts("", { ...others, users }), drawn));
    this.#filter();
  }

  /** By a part of a key with its tables, or of a value. */
  #filter() {
    const text = this.#search.value.trim().toLowerCase();
    const fits = (/** @type {Element} */ each) => (each.textContent ?? "").toLowerCase().includes(text);
    let some = false;
    for (const part of /** @type {Iterable<HTMLElement>} */ (this.#parts.children)) {
      const whole = fits(part.children[0]);
      const lines = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("dl > div")]);
      for (const line of lines) line.hidden = !whole && !fits(line);
      part.hidden = !whole && lines.every(({ hidden }) => hidden);
      some ||= !part.hidden;
    }
    this.#none.hidden = some || !this.#was;
  }
}

/**
 * Tables in tables, one below the other, as in the file.
 *
 * @param {string} name @param {Record<string, any>} table @returns {Iterable<Part>}
 */
function* parts(name, table) {
  /** @type {Part} */
  const own = { name: `[${name}]`, values: [] };
  /** @type {[string, any][]} */
  const inner = [];
  for (const [key, value] of Object.entries(table)) {
    const path = name ? `${name}.${key}` : key;
    const several = [value].flat();
    if (!several.length || !several.every(isTable)) own.values.push([key, value]);
    else for (const each of several) inner.push([Array.isArray(value) ? `[${path}]` : path, each]);
  }
  if (own.values.length) yield own;
  for (const [path, each] of inner) yield* parts(path, each);
}

/** @param {any} value */
function isTable(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @param {Part} part */
function drawn({ name, values }) {
  const lines = values.map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, shown(value))));
  return el("section", {}, el("h3", {}, name), el("dl", {}, ...lines));
}

/** @param {any} value */
function shown(value) {
  if (value === HIDDEN) return mark("info", t("admin.hidden"));
  const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  return text || el("span", { class: "faint" }, "–");
}

customElements.define("chat-admin-configuration", Configuration);
