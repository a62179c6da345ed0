// @ts-check
/** <chat-order-table>: all orders, live. What has changed is drawn together, some times a second. */
import { attribute, el, View } from "../dom.js";
import { because } from "../loading.js";
import { route } from "../route.js";
import { say } from "../say.js";
import { t } from "../words.js";
import { COLUMNS, statusOf } from "./columns.js";
import { Rows } from "./rows.js";

/** @typedef {import("./row.js").Row} Row */
/** @typedef {import("./columns.js").Column} Column */

const GATHER = 100; // ms of changes that are drawn together; each drawing costs about the same
const FRESH = 4000; // ms that a change is marked
const SWEEP = 500;
const PAUSE = 700; // ms of nothing typed, until the number of those that fit is said
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class OrderTable extends View {
  #rows = new Rows();
  /** @type {Set<string> | null} whose orders have changed; null: all may be others */
  #changed = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #drawing;
  /** @type {Map<Row, number>} when, the latest last */
  #fresh = new Map();
  /** @type {Row | undefined} the one that Tab reaches */
  #reached;
  #marked = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #saying;
  #search = el("input", {
    type: "search",
    placeholder: t("orders.filter"),
    "aria-label": t("orders.filter"),
    on: { input: () => this.#filter() },
  });
  #statuses = el("select", { "aria-label": t("orders.status"), on: { change: () => this.#filter() } });
  #clear = el("button", { on: { click: () => this.#showAll() } }, t("orders.clear"));
  #count = el("p", { class: "count faint" });
  #empty = el("p", { class: "empty faint" });
  #heads = COLUMNS.map((column) => this.#head(column));
  #tools = el("div", { class: "tools" }, this.#search, this.#statuses);
  #table = el(
    "table",
    { role: "table", "aria-label": t("app.orders") },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...this.#heads)),
    this.#rows.body,
  );
  #orders;

  /** @param {import("./orders.js").Orders} orders */
  constructor(orders) {
    super();
    this.#orders = orders;
  }

  open() {
    const { body } = this.#rows;
    this.show(
      el("header", {}, el("h1", {}, t("app.orders")), this.#count, this.#tools),
      el("div", { class: "scroll" }, this.#table, this.#empty, this.#clear),
    );
    this.listen(body, "click", (event) => this.#click(event));
    this.listen(body, "keydown", (event) => this.#key(event));
    this.listen(body, "focusin", ({ target }) => this.#reach(this.#rowOf(target)));
    this.listen(this.#orders, "change", ({ detail }) => this.#soon(detail));
    const sweeping = setInterval(() => this.#sweep(), SWEEP);
    this.gone.addEventListener("abort", () => clearInterval(sweeping));
    this.#drawHeads();
    this.#soon(null);
  }

  close() {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    clearTimeout(this.#saying);
  }

  // What has changed

  /** @param {string[] | null} ids */
  #soon(ids) {
    if (ids === null) this.#changed = null;
    else for (const id of ids) this.#changed?.add(id);
    const frame = () => requestAnimationFrame(() => this.#draw());
    this.#drawing ??= setTimeout(frame, this.#rows.size ? GATHER : 0);
  }

  #draw() {
    this.#drawing = undefined;
    const first = this.#rows.size === 0;
    for (const id of this.#changed ?? this.#all()) this.#drawOne(id, first);
    this.#changed = new Set();
    this.#rows.arrange();
    this.#drawStatuses();
    this.#tell();
    this.#reachOne();
    this.mark(this.#marked);
  }

  /** Those that are shown, and those that are to be. */
  #all() {
    return new Set([...this.#rows.ids(), ...this.#orders.list.map(({ order }) => order.orderId)]);
  }

  /** @param {string} id @param {boolean} first  then all are new, and none is news */
  #drawOne(id, first) {
    const known = this.#orders.get(id);
    if (!known || known.order.deleted) return this.#rows.drop(id);
    const before = this.#rows.get(id)?.version;
    const row = this.#rows.put(known);
    if (first || before === row.version) return;
    row.flash();
    this.#fresh.delete(row);
    this.#fresh.set(row, performance.now());
  }

  #sweep() {
    for (const [row, at] of this.#fresh) {
      if (performance.now() - at < FRESH) break;
      row.fade();
      this.#fresh.delete(row);
    }
  }

  /** How many there are. Only what somebody asked for is said aloud. */
  #tell() {
    const { known, problem } = this.#orders;
    const shown = this.#rows.list.length;
    const all = this.#rows.size;
    this.#count.textContent = all ? t("orders.count", { shown, count: all }) : "";
    this.#table.hidden = this.#tools.hidden = all === 0;
    this.#empty.hidden = shown > 0 && !problem;
    this.#clear.hidden = shown > 0 || all === 0;
    if (problem) this.#empty.textContent = because(problem);
    else if (!known) this.#empty.textContent = t("app.loading");
    else this.#empty.textContent = t(all ? "orders.none" : "orders.empty");
  }

  #drawStatuses() {
    const there = new Set(this.#orders.list.map(({ order }) => order.status ?? ""));
    there.delete("");
    if (this.#statuses.value) there.add(this.#statuses.value);
    const names = ["", ...[...there].sort((a, b) => statusOf(a).localeCompare(statusOf(b)))];
    const before = [...this.#statuses.options].map(({ value }) => value);
    if (JSON.stringify(names) === JSON.stringify(before)) return;
    const chosen = this.#statuses.value;
    const text = (/** @type {string} */ name) => (name ? statusOf(name) : t("orders.status.all"));
    const options = names.map((name) => el("option", { value: name }, text(name)));
    this.#statuses.replaceChildren(...options);
    this.#statuses.value = chosen;
  }

  // What somebody looks for

  #filter() {
    this.#rows.filter(this.#search.value, this.#statuses.value);
    this.#tell();
    this.#reachOne();
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => say(this.#count.textContent ?? ""), PAUSE);
  }

  #showAll() {
    this.#search.value = this.#statuses.value = "";
    this.#filter();
    this.#search.focus();
  }

  // The order of rows

  /** @param {Column} column */
  #head({ name }) {
    const text = t(`orders.${name}`);
    const button = el("button", { class: "sort", on: { click: () => this.#sort(name) } }, text);
    return el("th", { role: "columnheader", scope: "col", data: { field: name } }, button);
  }

  /** @param {string} name */
  #sort(name) {
    const column = /** @type {Column} */ (COLUMNS.find((each) => each.name === name));
    const same = column === this.#rows.column;
    const falls = same ? !this.#rows.falls : Boolean(column.falls);
    const known = (/** @type {string} */ id) => /** @type {any} */ (this.#orders.get(id));
    this.#rows.sort(column, falls, known);
    this.#drawHeads();
  }

  #drawHeads() {
    const { column, falls } = this.#rows;
    for (const [n, head] of this.#heads.entries()) {
      const way = COLUMNS[n] === column && (falls ? "descending" : "ascending");
      attribute(head, "aria-sort", way);
    }
  }

  // The way to one of them

  /** Which one is shown beside the table. @param {string} id  empty: none */
  mark(id) {
    if (id !== this.#marked) this.#rows.get(this.#marked)?.link.removeAttribute("aria-current");
    this.#marked = id;
    const link = this.#rows.get(id)?.link;
    if (link && !link.hasAttribute("aria-current")) attribute(link, "aria-current", "true");
  }

  /** Somebody comes back to it. @param {string} id */
  goBack(id) {
    (this.#rows.get(id)?.link ?? this.#search).focus();
  }

  /** @param {EventTarget | null} target */
  #rowOf(target) {
    const row = target instanceof Element && target.closest("tr");
    return row ? this.#rows.get(row.dataset.id ?? "") : undefined;
  }

  /** @param {Row | undefined} row */
  #reach(row) {
    if (row === this.#reached) return;
    if (this.#reached) this.#reached.link.tabIndex = -1;
    if (row) row.link.tabIndex = 0;
    this.#reached = row;
  }

  /** Tab reaches one of those that are shown. */
  #reachOne() {
    const there = this.#reached?.element.isConnected && !this.#reached.hidden;
    if (!there) this.#reach(this.#rows.list[0]);
  }

  /** @param {MouseEvent} event */
  #click({ target, ctrlKey, metaKey, shiftKey }) {
    const row = this.#rowOf(target);
    const marked = getSelection()?.isCollapsed === false; // he wants the text
    if (!row || target === row.link || marked || ctrlKey || metaKey || shiftKey) return;
    route.go("orders", row.id);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    const row = this.#rowOf(event.target);
    if (!step || !row || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    const { list } = this.#rows;
    const place = Math.min(Math.max(list.indexOf(row) + step, 0), list.length - 1);
    list[place].link.focus();
  }
}

customElements.define("chat-order-table", OrderTable);
