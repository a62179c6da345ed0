// @ts-check
/** An order in the table: what is not as before is written anew, and nothing else. */
import { el } from "../dom.js";
import { href } from "../route.js";
import { COLUMNS, toneOf } from "./columns.js";

/** @typedef {import("./columns.js").Column} Column */

export class Row {
  /** @type {string | number} by which it is sorted */
  key = "";
  status = "";
  version = -1;
  /** @type {string[]} */
  #texts = [];
  #found = ""; // by what it is found

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.link = el("a", { href: href("orders", id), tabindex: -1 });
    this.tone = el("span", { class: "status" });
    /** @type {Record<string, HTMLElement>} */
    const inner = { id: this.link, status: this.tone };
    const cells = COLUMNS.map(({ name }) => {
      const role = name === "id" ? "rowheader" : "cell";
      return el(name === "id" ? "th" : "td", { role, data: { field: name } }, inner[name]);
    });
    this.element = el("tr", { role: "row", data: { id } }, ...cells);
    this.places = cells.map((cell, n) => inner[COLUMNS[n].name] ?? cell);
  }

  /**
   * True where its place may be another.
   *
   * @param {import("./orders.js").Known} known @param {Column} sorted
   */
  show({ order, at }, sorted) {
    const texts = COLUMNS.map(({ text }) => text(order, at));
    for (const [n, text] of texts.entries()) {
      if (text !== this.#texts[n]) this.places[n].textContent = text;
    }
    this.#texts = texts;
    this.version = order.version;
    this.status = order.status ?? "";
    this.tone.dataset.tone = toneOf(this.status);
    this.tone.hidden = !this.status;
    this.#found = [...texts.slice(0, -1), this.status, order.total].join("\n").toLowerCase();
    const before = this.key;
    this.key = sorted.key(order, at);
    return this.key !== before;
  }

  /** It has changed just now: each time the mark begins anew. */
  flash() {
    const { dataset } = this.element;
    dataset.fresh = dataset.fresh === "a" ? "b" : "a";
  }

  /** That was some time ago. */
  fade() {
    delete this.element.dataset.fresh;
  }

  get hidden() {
    return this.element.hidden;
  }

  /** Shows it if it fits. @param {string[]} words  all of them @param {string} status  empty for each */
  fit(words, status) {
    const found = words.every((word) => this.#found.includes(word));
    const fits = found && (!status || this.status === status);
    if (this.element.hidden === fits) this.element.hidden = !fits;
  }
}
