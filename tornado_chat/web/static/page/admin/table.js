// @ts-check
/** A table whose rows are cards on a phone. What did not change is not touched, so that the focus stays. */
import { arrange, el, shown } from "../dom.js";
import { t } from "../words.js";

/**
 * @typedef {object} Column
 * @property {string} name  `admin.…` in the words; empty: its cells speak for themselves
 * @property {(row: any) => import("../dom.js").Child} show
 * @property {(row: any) => unknown} [of]  what the cell depends on, where it is no text
 * @property {boolean} [number]
 */

export class Table {
  /** @type {Map<string, {line: HTMLTableRowElement, cells: HTMLTableCellElement[], was: unknown[]}>} */
  #rows = new Map();
  #body = el("tbody", { role: "rowgroup" });
  #none = el("p", { class: "empty", hidden: true }, t("admin.none"));
  #columns;
  #key;

  /** @param {string} label @param {Column[]} columns @param {(row: any) => string} key */
  constructor(label, columns, key) {
    this.#columns = columns;
    this.#key = key;
    const heads = columns.map(({ name, number }) =>
      el(
        "th",
        { role: "columnheader", scope: "col", class: number && "number" },
        name ? t(`admin.${name}`) : el("span", { class: "only-heard" }, t("admin.actions")),
      ),
    );
    const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads));
    this.element = el("table", { role: "table", "aria-label": label }, head, this.#body);
    this.parts = [this.element, this.#none];
  }

  /** @param {any[]} rows */
  draw(rows) {
    arrange(this.#body, rows.map((row) => this.#filled(row).line));
    const keys = new Set(rows.map(this.#key));
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
    this.element.hidden = !rows.length;
    this.#none.hidden = rows.length > 0;
  }

  /** @param {any} row */
  #filled(row) {
    const key = this.#key(row);
    const found = this.#rows.get(key) ?? this.#made();
    this.#rows.set(key, found);
    for (const [place, { show, of = show }] of this.#columns.entries()) {
      const now = of(row);
      if (now === found.was[place]) continue;
      found.was[place] = now;
      found.cells[place].replaceChildren(...shown([show(row)]));
    }
    return found;
  }

  #made() {
    const cells = this.#columns.map(({ name, number }) =>
      el("td", { role: "cell", class: number && "number", data: { label: name ? t(`admin.${name}`) : null } }),
    );
    return { line: el("tr", { role: "row" }, ...cells), cells, was: [] };
  }
}
