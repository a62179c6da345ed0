// @ts-check
/** <chat-badge>: how many, beside a name; nothing for none. */
import { el, View } from "./dom.js";

const MOST = 99;

/** As a badge shows it: `99+` for more. @param {number} count */
export function atMost(count) {
  return count > MOST ? `${MOST}+` : String(count);
}

export class Badge extends View {
  /** @param {number} count @param {string} name  how it is read: "3 unread" */
  tell(count, name) {
    this.hidden = !count;
    this.show(
      el("span", { "aria-hidden": "true" }, atMost(count)),
      el("span", { class: "only-heard" }, name),
    );
  }
}

customElements.define("chat-badge", Badge);
