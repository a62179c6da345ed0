// @ts-check
/** <chat-language>: in which language one reads the page. Event `language`, which bubbles. */
import { el, icon, View } from "./dom.js";
import { choose, LANGUAGES, spoken, t } from "./words.js";

/** @typedef {import("./words.js").Language} Language */

export class LanguageChoice extends View {
  open() {
    const choices = Object.entries(LANGUAGES).map(([code, { name }]) =>
      el("option", { value: code, lang: code, selected: code === spoken() }, name),
    );
    const change = async (/** @type {Event} */ event) => {
      const { value } = /** @type {HTMLSelectElement} */ (event.target);
      await choose(/** @type {Language} */ (value));
      this.dispatchEvent(new Event("language", { bubbles: true }));
    };
    const select = el("select", { on: { change } }, ...choices);
    this.show(el("label", {}, icon("globe"), el("span", {}, t("account.language")), select));
  }
}

customElements.define("chat-language", LanguageChoice);
