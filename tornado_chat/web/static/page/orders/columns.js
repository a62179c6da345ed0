// @ts-check
/** What is shown of an order, and by what orders are sorted. */
import { has, spoken, t, when } from "../words.js";

/**
 * @typedef {import("./orders.js").Order} Order
 *
 * @typedef {object} Column
 * @property {string} name  `orders.…` in the words
 * @property {(order: Order, at: string | null) => string} text
 * @property {(order: Order, at: string | null) => string | number} key  of its place among the others
 * @property {boolean} [falls]  the highest come first where nothing else was asked for
 */

/** @type {Column[]} */
export const COLUMNS = [
  { name: "id", text: ({ orderId }) => orderId, key: ({ orderId }) => orderId },
  { name: "status", text: ({ status }) => statusOf(status), key: ({ status }) => statusOf(status) },
  { name: "customer", text: ({ customer }) => customer ?? "", key: ({ customer }) => customer ?? "" },
  { name: "total", text: amount, key: ({ total }) => Number(total ?? -Infinity), falls: true },
  {
    name: "placed",
    text: ({ placedAt }) => placed(placedAt),
    key: ({ placedAt }) => Number(moment(placedAt)) || -Infinity,
    falls: true,
  },
  {
    name: "changed",
    text: (_, at) => (at ? when("clock", at) : ""),
    key: (_, at) => at ?? "",
    falls: true,
  },
];

/** What all columns show, and nothing else does. */
export const SHOWN = ["orderId", "status", "customer", "total", "currency", "placedAt", "version", "deleted"];

const WELL = /complet|deliver|paid|ship|sent|transit/i;
const BADLY = /cancel|reject|fail|refus|return/i;
const WAITS = /hold|wait|pending|open/i;

/** How it stands with such an order. @param {string | undefined} status */
export function toneOf(status = "") {
  if (BADLY.test(status)) return "bad";
  if (WELL.test(status)) return "good";
  return WAITS.test(status) ? "warn" : "info";
}

/** `OrderInTransit` as people say it. @param {string | undefined} status */
export function statusOf(status = "") {
  if (has(`orders.status.${status}`)) return t(`orders.status.${status}`);
  return sentence(status.replace(/^Order(?=[A-Z])/, ""));
}

/** `inTransit` as people say it. @param {string} name */
export function sentence(name) {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])|_/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
}

/** @type {Map<string, Intl.NumberFormat>} by language and currency: to make one takes long */
const formats = new Map();

/** @param {Order} order */
function amount({ total, currency = "" }) {
  if (Number.isNaN(Number(total ?? undefined))) return String(total ?? "");
  const known = /^[A-Z]{3}$/i.test(currency);
  const name = `${spoken()} ${known ? currency : ""}`;
  let format = formats.get(name);
  if (!format) formats.set(name, (format = formatOf(known ? currency : "")));
  const text = format.format(/** @type {any} */ (total)); // a text keeps all its digits
  return known || !currency ? text : `${text} ${currency}`;
}

/** @param {string} currency */
function formatOf(currency) {
  if (currency) return new Intl.NumberFormat(spoken(), { style: "currency", currency });
  return new Intl.NumberFormat(spoken(), { minimumFractionDigits: 2 });
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** Of a date, or a moment; a date begins here, whatever the zone. @param {string | undefined} text */
function moment(text = "") {
  return new Date(DAY.test(text) ? `${text}T00:00` : text);
}

/** @param {string | undefined} text */
function placed(text = "") {
  const at = moment(text);
  if (Number.isNaN(at.getTime())) return text;
  return DAY.test(text) ? when("date", at) : `${when("date", at)}, ${when("time", at)}`;
}

/**
 * How rows are sorted: by texts as people sort them, by numbers, and by id where they are equal.
 *
 * @param {boolean} falls @returns {(a: Sorted, b: Sorted) => number}
 *
 * @typedef {{key: string | number, id: string}} Sorted
 */
export function order(falls) {
  const way = falls ? -1 : 1;
  const texts = new Intl.Collator(spoken(), { numeric: true });
  /** @param {string | number} a @param {string | number} b */
  const compare = (a, b) => {
    if (a === b) return 0;
    if (typeof a === "string" && typeof b === "string") return texts.compare(a, b);
    return a < b ? -1 : 1;
  };
  return (a, b) => way * compare(a.key, b.key) || texts.compare(a.id, b.id);
}
