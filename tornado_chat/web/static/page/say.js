// @ts-check
/** What only those need to be told who cannot see it happen: read aloud, when nothing else is. */
import { el } from "./dom.js";

/** Stands on the page from its start: what is not there yet is not listened to. */
export const heard = el("p", { class: "only-heard", role: "status" });

/** @param {string} text */
export function say(text) {
  heard.textContent = "";
  setTimeout(() => (heard.textContent = text), 100); // the same again is said again
}
