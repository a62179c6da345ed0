// @ts-check
/** <chat-order>: all that is known of an order, live. */
import { el, icon, View } from "../dom.js";
import { href } from "../route.js";
import { t } from "../words.js";
import { COLUMNS, sentence, SHOWN, toneOf } from "./columns.js";

/** @typedef {import("./orders.js").Known} Known */

const WIDE = 12; // columns of a table in an order; with more it is no table to look at

export class OrderDetails extends View {
  #heading = el("h2", { tabindex: -1 });
  #fields = el("dl");
  #said = el("p", { class: "faint" });
  #id;
  #orders;
  #drawing = 0;

  /** @param {import("./orders.js").Orders} orders @param {string} id */
  constructor(orders, id) {
    super();
    this.#orders = orders;
    this.#id = id;
  }

  open() {
    const name = t("orders.close");
    const look = { class: "button plain", href: href("orders"), "aria-label": name, title: name };
    const close = el("a", look, icon("close"));
    this.#heading.textContent = t("orders.title", { id: this.#id });
    this.show(el("header", {}, this.#heading, close), this.#said, this.#fields);
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", this.#heading.textContent);
    this.listen(this.#orders, "change", ({ detail }) => {
      if (!detail || detail.includes(this.#id)) this.#soon();
    });
    this.#draw();
    this.#heading.focus({ preventScroll: true });
  }

  close() {
    cancelAnimationFrame(this.#drawing);
  }

  #soon() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const known = this.#orders.get(this.#id);
    if (!known) this.#said.textContent = this.#orders.known ? t("orders.gone") : t("app.loading");
    else this.#said.textContent = known.order.deleted ? t("orders.was.deleted") : "";
    this.#said.hidden = !this.#said.textContent;
    this.#fields.replaceChildren(...(known ? this.#all(known) : []));
  }

  /** @param {Known} known */
  #all({ order, at }) {
    const shown = COLUMNS.slice(1).map(({ name, text }) => [name, text(order, at)]);
    const others = Object.entries(order).filter(([name]) => !SHOWN.includes(name));
    return [
      ...shown.filter(([, text]) => text).map(([name, text]) => this.#known(name, text, order)),
      ...others.map(([name, value]) => field(sentence(name), shownAs(value))),
      field(t("orders.version"), String(order.version)),
    ];
  }

  /** @param {string} name @param {string} text @param {import("./orders.js").Order} order */
  #known(name, text, { status }) {
    const mark = { class: "status", data: { tone: toneOf(status) } };
    return field(t(`orders.${name}`), name === "status" ? el("span", mark, text) : text);
  }
}

/** @param {string} name @param {Node | string} value */
function field(name, value) {
  const wide = value instanceof Element && value.tagName !== "SPAN";
  return el("div", { class: wide && "wide" }, el("dt", {}, name), el("dd", {}, value));
}

/** What the source has sent beside what we know. @param {any} value */
function shownAs(value) {
  if (typeof value !== "object") return String(value);
  return tableOf(value) ?? el("pre", {}, JSON.stringify(value, null, 2));
}

/** Of a list of lines, such as the items of an order; null where it is none. @param {any} lines */
function tableOf(lines) {
  const simple = (/** @type {any} */ value) => typeof value !== "object" || value === null;
  const line = (/** @type {any} */ each) => !simple(each) && Object.values(each).every(simple);
  if (!Array.isArray(lines) || !lines.length || !lines.every(line)) return null;
  const names = [...new Set(lines.flatMap(Object.keys))];
  if (names.length > WIDE) return null;
  const heads = names.map((name) => el("th", { scope: "col" }, sentence(name)));
  const cell = (/** @type {any} */ value) => el("td", {}, String(value ?? ""));
  const rows = lines.map((each) => el("tr", {}, ...names.map((name) => cell(each[name]))));
  return el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
}

customElements.define("chat-order", OrderDetails);
