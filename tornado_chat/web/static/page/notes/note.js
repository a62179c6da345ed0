// @ts-check
/** How a notification is shown, wherever it is. */
import { el, icon } from "../dom.js";
import { href } from "../route.js";
import { t } from "../words.js";

/** @typedef {import("./notes.js").Note} Note */
/** @typedef {(plugin: string) => boolean} Has  whether the server has it */

/** @type {Record<string, "info" | "check" | "warning" | "danger">} by type */
const ICONS = { info: "info", success: "check", warning: "warning", danger: "danger" };

/** @type {Record<string, string>} the views that have what a path of a front-end leads to, by plugin */
const VIEWS = { orders: "order_list", rooms: "chat_rooms" };

/** One that we know. @param {Note} note */
export const typeOf = ({ type }) => (Object.hasOwn(ICONS, type) ? type : "info");

/** A picture and a word, and what stands beside it. @param {Note} note @param {Node[]} beside */
export function typeMark(note, ...beside) {
  const type = typeOf(note);
  const kind = el("span", { class: "kind" }, t(`notes.${type}`), ...beside);
  return el("span", { class: "type" }, icon(ICONS[type]), kind);
}

/**
 * What it says, and what it says beside that. What the house publishes need not be as what is sent.
 *
 * @param {Note} note @returns {[string, string]}
 */
export function textOf({ title, message, topic }) {
  const texts = [title, message?.message].map((each) => (typeof each === "string" ? each : ""));
  const [first, text] = texts;
  return [first || text || topic, first && text !== first ? text : ""];
}

/**
 * What it says, as a link where it has one: to a view of this page, else in a tab of its own.
 *
 * @param {Note} note @param {Has} has @param {() => void} opened
 */
export function heading(note, has, opened) {
  const [text] = textOf(note);
  const place = placeOf(String(note.link ?? ""), has);
  if (!place) return el("span", { class: "what" }, text);
  const away = !place.startsWith("#");
  const props = away ? { target: "_blank", rel: "noopener noreferrer" } : {};
  return el("a", { class: "what", href: place, ...props, on: { click: opened } }, text);
}

/**
 * Where a link leads; null where it is none that we follow.
 *
 * @param {string} link @param {Has} has
 */
export function placeOf(link, has) {
  const to = URL.canParse(link, location.origin) ? new URL(link, location.origin) : null;
  if (/^https?:\/\//i.test(link)) return to && link;
  if (!link.startsWith("/") || to?.origin !== location.origin) return null; // as //host would be
  const [, view, id] = /^\/(\w+)(?:\/([^/?#]+))?$/.exec(link) ?? [];
  if (!Object.hasOwn(VIEWS, view) || !has(VIEWS[view])) return link;
  return id ? `${href(view)}/${id}` : href(view); // the id is written for an address already
}
