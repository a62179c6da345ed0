// @ts-check
import { el } from "../dom.js";
import { t } from "../words.js";

/**
 * A circle with the first letters of a name, and whether he is there.
 *
 * @param {string} id @param {string} name @param {boolean} [online]
 */
export function face(id, name, online = false) {
  const words = name.split(/[\s,]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = words.slice(0, 2).map((word) => String.fromCodePoint(word.codePointAt(0) ?? 32));
  const look = [...id].reduce((sum, sign) => sum + sign.charCodeAt(0), 0) % 4;
  return el(
    "span",
    { class: `face look-${look}` },
    el("span", { "aria-hidden": "true" }, letters.join("").toUpperCase()),
    online && el("span", { class: "dot" }, el("span", { class: "only-heard" }, t("rooms.online"))),
  );
}
