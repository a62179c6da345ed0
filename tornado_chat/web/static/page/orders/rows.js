// @ts-check
/** The rows of the table in their order: only those that have changed are touched. */
import { el } from "../dom.js";
import { COLUMNS, order } from "./columns.js";
import { Row } from "./row.js";

/**
 * @typedef {import("./columns.js").Column} Column
 * @typedef {import("./orders.js").Known} Known
 */

export class Rows {
  body = el("tbody", { role: "rowgroup" });
  column = /** @type {Column} */ (COLUMNS.find(({ name }) => name === "placed"));
  falls = true;
  /** @type {Map<string, Row>} by id */
  #rows = new Map();
  /** @type {Row[]} */
  #sorted = [];
  /** @type {Set<Row>} since they were arranged */
  #moved = new Set();
  #gone = false;
  /** @type {string[]} */
  #words = [];
  #status = "";

  /** @param {string} id */
  get(id) {
    return this.#rows.get(id);
  }

  /** As they are shown. */
  get list() {
    return this.#sorted.filter(({ hidden }) => !hidden);
  }

  get size() {
    return this.#rows.size;
  }

  ids() {
    return this.#rows.keys();
  }

  /** What an order is now; its row. @param {Known} known */
  put(known) {
    const { orderId } = known.order;
    let row = this.#rows.get(orderId);
    if (!row) this.#rows.set(orderId, (row = new Row(orderId)));
    if (row.show(known, this.column)) this.#moved.add(row);
    if (!row.element.isConnected) this.#moved.add(row);
    row.fit(this.#words, this.#status);
    return row;
  }

  /** @param {string} id */
  drop(id) {
    const row = this.#rows.get(id);
    if (!row) return;
    row.element.remove();
    this.#rows.delete(id);
    this.#moved.delete(row);
    this.#gone = true;
  }

  /** Puts those to their places that may not be there. */
  arrange() {
    if (this.#gone || this.#sorted.length !== this.#rows.size) this.#sorted = [...this.#kept()];
    this.#gone = false;
    if (!this.#moved.size) return;
    this.#sorted.sort(order(this.falls));
    const focused = this.body.contains(document.activeElement) && document.activeElement;
    /** @type {Element | null} */
    let next = null; // all that is behind it stands right
    for (let n = this.#sorted.length - 1; n >= 0; n -= 1) {
      const row = this.#sorted[n];
      const moves = this.#moved.has(row) && !this.#stands(row, next);
      if (moves) this.body.insertBefore(row.element, next);
      next = row.element;
    }
    this.#moved.clear();
    if (focused !== document.activeElement && focused instanceof HTMLElement) {
      focused.focus({ preventScroll: true });
    }
  }

  /** In the order of before, which is almost right and so is sorted soon; then the new ones. */
  *#kept() {
    const old = new Set(this.#sorted);
    for (const row of old) if (this.#rows.get(row.id) === row) yield row;
    for (const row of this.#rows.values()) if (!old.has(row)) yield row;
  }

  /** @param {Row} row @param {Element | null} next */
  #stands({ element }, next) {
    return element.isConnected && element.nextElementSibling === next;
  }

  /** @param {Column} column @param {boolean} falls @param {(id: string) => Known} known */
  sort(column, falls, known) {
    this.column = column;
    this.falls = falls;
    for (const row of this.#rows.values()) {
      row.show(known(row.id), column);
      this.#moved.add(row);
    }
    this.arrange();
  }

  /** Shows those that have all these words, and this status. @param {string} text @param {string} status */
  filter(text, status) {
    this.#words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.#status = status;
    for (const row of this.#rows.values()) row.fit(this.#words, status);
  }
}
