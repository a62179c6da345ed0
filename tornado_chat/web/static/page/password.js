// @ts-check
/** <chat-password>: a field for a password, which can be shown, and tells of capitals. */
import { attribute, el, icon, View } from "./dom.js";
import { t } from "./words.js";

let last = 0;

export class PasswordField extends View {
  #label;
  #hint = el("p", { class: "hint", role: "status" });
  #show = el("button", { class: "plain", type: "button", on: { click: () => this.#turn() } });

  /**
   * @param {string} label @param {"current-password" | "new-password"} autocomplete
   * @param {import("./dom.js").Props} [more]  of the field
   */
  constructor(label, autocomplete, more = {}) {
    super();
    const id = `password-${(last += 1)}`;
    this.#label = el("label", { for: id }, label);
    this.#hint.id = `${id}-hint`;
    this.field = el("input", {
      id,
      type: "password",
      autocomplete,
      required: true,
      "aria-describedby": this.#hint.id,
      ...more,
    });
  }

  get value() {
    return this.field.value;
  }

  open() {
    const caps = (/** @type {KeyboardEvent} */ event) => {
      const text = event.getModifierState?.("CapsLock") ? t("sign.caps") : "";
      if (this.#hint.textContent !== text) this.#hint.textContent = text;
    };
    this.listen(this.field, "keydown", caps);
    this.listen(this.field, "keyup", caps);
    this.listen(this.field, "blur", () => (this.#hint.textContent = ""));
    this.show(this.#label, el("div", { class: "with-button" }, this.field, this.#show), this.#hint);
    this.#draw();
  }

  #turn() {
    this.field.type = this.field.type === "password" ? "text" : "password";
    this.#draw();
  }

  #draw() {
    const hidden = this.field.type === "password";
    attribute(this.#show, "aria-label", t("sign.show"));
    attribute(this.#show, "aria-pressed", String(!hidden));
    attribute(this.#show, "title", t("sign.show"));
    this.#show.replaceChildren(icon(hidden ? "eye" : "hidden"));
  }
}

customElements.define("chat-password", PasswordField);
