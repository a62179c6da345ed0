// @ts-check
/**
 * The texts of the page in the language of who reads it. Another language is a module beside
 * `words/en.js` with the same keys, and a line here. What it does not have is said in English.
 */
import { recall, remember } from "./storage.js";
import english from "./words/en.js";

/** @typedef {Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>} Words */

/** By code: the language's own name for itself, and where its words are. */
export const LANGUAGES = {
  en: { name: "English", load: async () => ({ default: english }) },
  de: { name: "Deutsch", load: () => import("./words/de.js") },
};

/** @typedef {keyof typeof LANGUAGES} Language */

/** @type {Words} */
let words = english;
/** @type {Language} */
let language = "en";
/** @type {Intl.PluralRules} */
let plurals = new Intl.PluralRules("en");
/** @type {Record<string, Intl.DateTimeFormat>} */
let formats = {};

/** Which one it is now. */
export const spoken = () => language;

/**
 * Takes this one from now on, and remembers it; without one, that which was chosen before, else the
 * first of the browser's that we have, else English.
 *
 * @param {Language} [wanted]
 */
export async function choose(wanted) {
  if (wanted) remember("localStorage", "language", wanted);
  const asked = [wanted ?? recall("localStorage", "language") ?? "", ...navigator.languages];
  const known = asked.map((each) => String(each).slice(0, 2).toLowerCase()).find((each) => each in LANGUAGES);
  const found = /** @type {Language} */ (known ?? "en");
  const missing = () => ({ default: english }); // the server has gone meanwhile
  words = { ...english, ...(await LANGUAGES[found].load().catch(missing)).default };
  language = found;
  document.documentElement.lang = found;
  plurals = new Intl.PluralRules(found);
  const locale = navigator.languages.find((each) => each.startsWith(found)) ?? found;
  formats = {
    time: new Intl.DateTimeFormat(locale, { timeStyle: "short" }),
    clock: new Intl.DateTimeFormat(locale, { timeStyle: "medium" }),
    day: new Intl.DateTimeFormat(locale, { dateStyle: "full" }),
    date: new Intl.DateTimeFormat(locale, { dateStyle: "medium" }),
    moment: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }),
  };
}

/** Whether there is such a text. @param {string} key */
export function has(key) {
  return key in words;
}

/**
 * A text. `{name}` in it stands for one of the values; of several forms `count` chooses one.
 *
 * @param {string} key @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const found = words[key];
  if (found === undefined) throw new Error(`no words for ${key}`);
  const form =
    typeof found === "string" ? found : (found[plurals.select(Number(values.count))] ?? found.other ?? "");
  return form.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * A moment as text: `time` of day, `clock` with its seconds, `date`, `day` with its weekday, `moment` with its seconds; `short`
 * is the time of today, and the date of other days.
 *
 * @param {"time" | "clock" | "date" | "day" | "moment" | "short"} how @param {string | number | Date} at
 */
export function when(how, at) {
  const then = new Date(at);
  if (how !== "short") return formats[how].format(then);
  const today = then.toDateString() === new Date().toDateString();
  return formats[today ? "time" : "date"].format(then);
}
