// @ts-check
/** What several tables show. */
import { el } from "../dom.js";
import { href } from "../route.js";
import { t, when } from "../words.js";

/** @typedef {import("./table.js").Column} Column */

/** A moment, in full for who points at it. @param {string} name @param {string} [none] @returns {Column} */
export function moment(name, none = "–") {
  const shown = (/** @type {string} */ at) =>
    el("time", { datetime: at, title: when("moment", at) }, when("short", at));
  return { name, show: (row) => (row[name] ? shown(row[name]) : none), of: (row) => row[name] };
}

/** @param {{user_id: string, name: string}} user */
export function person({ user_id: id, name }) {
  return el("a", { href: href("admin", "users", id) }, name);
}

/** A word on a coloured ground. @param {"good" | "warn" | "bad" | "info"} kind @param {string} text */
export function mark(kind, text) {
  return el("span", { class: `mark ${kind}` }, text);
}

/** @param {string} label @param {(event: Event) => void} click @param {string} [name]  what is read aloud */
export function button(label, click, name = label) {
  return el("button", { type: "button", "aria-label": name, on: { click } }, label);
}

let last = 0;

/** A control below its name. @param {string} name  `admin.…` @param {HTMLElement} control @param {string} [note] */
export function field(name, control, note) {
  const id = `admin-${(last += 1)}`;
  control.id = id;
  const said = note && el("p", { class: "tip", id: `${id}-note` }, note);
  if (said) control.setAttribute("aria-describedby", said.id);
  return el("div", {}, el("label", { for: id }, t(`admin.${name}`)), control, said);
}
