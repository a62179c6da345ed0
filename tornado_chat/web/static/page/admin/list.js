// @ts-check
/** A list of the server, page by page; with a field where it can be searched. */
import { el } from "../dom.js";
import { t } from "../words.js";
import { Live } from "./live.js";
import { Table } from "./table.js";

/** @typedef {import("../session.js").Session} Session */

const PAGE = 50;
const SEARCH_MS = 200; // after the last key

export class List extends Live {
  #start = 0;
  #more = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seeking;
  #back = this.#step("admin.previous", -PAGE);
  #on = this.#step("admin.next", PAGE);
  #steps = el("div", { class: "actions", hidden: true }, this.#back, this.#on);
  #search = el("input", {
    type: "search",
    placeholder: t("admin.search"),
    "aria-label": t("admin.search"),
    on: { input: () => this.#seek() },
  });
  count = el("span", { class: "faint" });

  /**
   * @param {Session} session @param {string} name  below /admin, and in the answer
   * @param {import("./table.js").Column[]} columns @param {(row: any) => string} key
   * @param {{search?: boolean, tools?: Element[]}} [more]
   */
  constructor(session, name, columns, key, { search = false, tools = [] } = {}) {
    super();
    this.session = session;
    this.name = name;
    this.table = new Table(t(`admin.${name}`), columns, key);
    this.tools = search ? [this.#search, ...tools] : tools;
  }

  open() {
    this.show(
      el("header", {}, el("h2", {}, t(`admin.${this.name}`)), this.count, ...this.tools),
      this.problem,
      ...this.table.parts,
      this.#steps,
      this.at,
    );
    super.open();
  }

  close() {
    clearTimeout(this.#seeking);
    super.close();
  }

  /** @param {AbortSignal} signal */
  ask(signal) {
    const text = this.#search.value.trim();
    const query = { start: this.#start, limit: PAGE, ...(text && { search: text }) };
    return this.session.rest.request("GET", `/admin/${this.name}`, { query, signal });
  }

  /** @param {any} found */
  draw(found) {
    const rows = found[this.name];
    if (!rows.length && this.#start) return this.#go(0); // they have become fewer
    this.table.draw(rows);
    this.#more = found.more;
    this.count.textContent = found.count ?? "";
    this.#back.disabled = !this.#start;
    this.#on.disabled = !found.more;
    this.#steps.hidden = !found.more && !this.#start;
  }

  /** @param {string} name @param {number} by */
  #step(name, by) {
    const go = () => (by < 0 || this.#more) && this.#go(Math.max(0, this.#start + by));
    return el("button", { type: "button", on: { click: go } }, t(name));
  }

  /** @param {number} start */
  #go(start) {
    this.#start = start;
    this.read();
  }

  #seek() {
    clearTimeout(this.#seeking);
    this.#seeking = setTimeout(() => this.#go(0), SEARCH_MS);
  }
}
