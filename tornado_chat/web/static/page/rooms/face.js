// @ts-check
import { el, initials } from "../dom.js";
import { t } from "../words.js";

/**
 * A circle with the first letters of a name, and whether he is there.
 *
 * @param {string} id @param {string} name @param {boolean} [online]
 */
export function face(id, name, online = false) {
  const look = [...id].reduce((sum, sign) => sum + sign.charCodeAt(0), 0) % 4;
  return el(
    "span",
    { class: `face look-${look}` },
    el("span", { "aria-hidden": "true" }, initials(name)),
    online && el("span", { class: "dot" }, el("span", { class: "only-heard" }, t("rooms.online"))),
  );
}
