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
    this.#parts.replaceChildren(...parts("", { ...others, users }).map(drawn));
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

/** Tables in tables, one below the other. @param {string} name @param {Record<string, any>} table @returns {Part[]} */
function parts(name, table) {
  const plain = Object.entries(table).filter(([, value]) => !isTable(value) && !isTables(value));
  /** @type {Part[]} */
  const found = plain.length ? [{ name: `[${name}]`, values: plain }] : [];
  for (const [key, value] of Object.entries(table)) {
    const path = name ? `${name}.${key}` : key;
    if (isTable(value)) found.push(...parts(path, value));
    else if (isTables(value)) found.push(...value.map((/** @type {any} */ each) => one(path, each)));
  }
  return found;
}

/** One of several of a name. @param {string} path @param {Record<string, any>} table @returns {Part} */
function one(path, table) {
  return { name: `[[${path}]]`, values: Object.entries(table) };
}

/** @param {any} value */
function isTable(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @param {any} value */
function isTables(value) {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}

/** @param {Part} part */
function drawn({ name, values }) {
  const lines = values.map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, shown(value))));
  return el("section", {}, el("h3", {}, name), el("dl", {}, ...lines));
}

/** @param {any} value */
function shown(value) {
  if (value === HIDDEN) return mark("info", t("admin.hidden"));
  if (value === null || value === "" || value?.length === 0) return el("span", { class: "faint" }, "–");
  if (Array.isArray(value)) return value.map((each) => (isTable(each) ? JSON.stringify(each) : each)).join(", ");
  return isTable(value) ? JSON.stringify(value) : String(value);
}

customElements.define("chat-admin-configuration", Configuration);
