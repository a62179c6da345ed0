// @ts-check
/** What views are built of: elements that hold text, never HTML. */
import { t } from "./words.js";

/**
 * @typedef {Node | string | number | null | undefined | false} Child  the last three stand for nothing
 *
 * @typedef {Record<string, any>} Props  attributes by their names: true is one without a value;
 *   false, null and undefined are none. `on`: listeners by event. `data`: of `dataset`. `is`:
 *   properties of the object, such as `value`.
 */

/**
 * An element. Text is set as text, whatever it holds.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Props} [props] @param {Child[]} children @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/**
 * @template {Element} E
 * @param {E} element @param {Props} props @param {Child[]} children @returns {E}
 */
function filled(element, { on = {}, data = {}, is = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) attribute(element, name, value);
  for (const [name, value] of Object.entries(data)) attribute(element, `data-${name}`, value);
  for (const [type, listener] of Object.entries(on)) element.addEventListener(type, listener);
  element.append(...shown(children));
  return Object.assign(element, is);
}

/** Sets an attribute, or takes it away. @param {Element} element @param {string} name @param {any} value */
export function attribute(element, name, value) {
  if (value === false || value == null) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** @param {Child[]} children @returns {(Node | string)[]} */
export function shown(children) {
  const some = children.filter((child) => child !== null && child !== undefined && child !== false);
  return some.map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * A picture that means nothing by itself: whoever has it needs a name of his own.
 *
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const path = filled(document.createElementNS(space, "path"), { d: ICONS[name] }, []);
  const look = { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" };
  return filled(document.createElementNS(space, "svg"), look, [path]);
}

const ICONS = {
  add: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21h4",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.500l4.500 4.500L19 7",
  danger: "M8.500 3.500h7l5 5v7l-5 5h-7l-5-5v-7zM12 8v5M12 16h.01",
  down: "M6 9l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  eye: "M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  gear: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4.500v5M7 14.500v5",
  globe: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
  hidden: "M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7zM4 20L20 4",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8h.01",
  key: "M14 14a5 5 0 1 0-4-4l-7 7v4h4v-2h2v-2h2zM16 8h.01",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  more: "M12 6h.01M12 12h.01M12 18h.01",
  out: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  people: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c.5-4 3-6 6-6s5.500 2 6 6M15 4a3.500 3.500 0 0 1 0 7M18 14.500c1.500 1 2.500 3 3 5.500",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c1-4 4-5 7-5s6 1 7 5",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM20 20l-5-5",
  send: "M4 12l16-8-6 16-3-7z",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
};

/**
 * Makes these its children, in this order; those that are there already in it are not touched, and so
 * keep the focus.
 *
 * @param {Element} parent @param {Element[]} children
 */
export function arrange(parent, children) {
  const stay = new Set(children);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

/** Of the first word of a name and of the last; what begins with a sign is none. @param {string} name */
export function initials(name) {
  const words = name.split(/[\s,]+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const [first = "?", ...others] = words;
  return [first, others.at(-1) ?? ""].map((word) => [...word][0] ?? "").join("").toUpperCase();
}

/** Whose page it is. */
export function brand() {
  return el("p", { class: "brand" }, el("img", { src: "/page/icon.svg", alt: "" }), t("app.name"));
}

/**
 * Another view is there now: who hears the page, or goes on by keys, begins at its heading.
 *
 * @param {Element} view
 */
export function focusHeading(view) {
  const heading = /** @type {HTMLElement | null} */ (view.querySelector("h1, h2"));
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/**
 * A part of the page: built in `open` each time it comes in, and silent once it is gone. What it
 * shows it is given in its constructor.
 */
export class View extends HTMLElement {
  #gone = new AbortController();

  connectedCallback() {
    this.#gone = new AbortController();
    this.open();
  }

  disconnectedCallback() {
    this.#gone.abort();
    this.close();
  }

  /** It is on the page. */
  open() {}

  /** It is off the page. */
  close() {}

  /** Aborted when it is gone: for `fetch`, and for listeners. */
  get gone() {
    return this.#gone.signal;
  }

  /** Until it is gone. @param {EventTarget} target @param {string} type @param {(event: any) => void} listener */
  listen(target, type, listener) {
    target.addEventListener(type, listener, { signal: this.gone });
  }

  /** Shows these instead of what was there. @param {Child[]} children */
  show(...children) {
    this.replaceChildren(...shown(children));
  }
}
