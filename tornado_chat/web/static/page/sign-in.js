// @ts-check
/** <chat-sign-in>: name and password. Event `account`, which bubbles, with who is signed in. */
import { signIn } from "./account.js";
import { attribute, brand, el, View } from "./dom.js";
import { LanguageChoice } from "./language.js";
import { because } from "./loading.js";
import { PasswordField } from "./password.js";
import { t } from "./words.js";

/** @typedef {import("../client.js").ChatError} ChatError */

export class SignIn extends View {
  #said = el("p", { class: "said", role: "alert" });
  #name = el("input", {
    id: "username",
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
  });
  #password = new PasswordField(t("sign.password"), "current-password", { name: "password" });
  #stay = el("input", { type: "checkbox", name: "stay" });
  #button = el("button", { class: "main", type: "submit" }, t("sign.in"));
  #why;

  /** @param {string} [why]  he is here */
  constructor(why = "") {
    super();
    this.#why = why;
  }

  open() {
    document.title = `${t("sign.title")} · ${t("app.name")}`;
    const form = el(
      "form",
      { on: { submit: (/** @type {Event} */ event) => this.#send(event) } },
      el("div", {}, el("label", { for: "username" }, t("sign.name")), this.#name),
      this.#password,
      el("label", { class: "check" }, this.#stay, t("sign.stay")),
      this.#said,
      this.#button,
    );
    const card = el("div", { class: "card" }, el("h1", {}, t("sign.title")), form);
    this.show(el("main", { id: "content" }, brand(), card), el("footer", {}, new LanguageChoice()));
    this.#name.focus();
    this.#tell(this.#why);
  }

  /** @param {Event} event */
  async #send(event) {
    event.preventDefault();
    if (this.#button.ariaDisabled === "true") return;
    this.#work(true);
    try {
      const name = this.#name.value.trim();
      const detail = await signIn(name, this.#password.value, this.#stay.checked);
      this.dispatchEvent(new CustomEvent("account", { bubbles: true, detail }));
    } catch (problem) {
      this.#work(false);
      this.#refused(/** @type {ChatError} */ (problem));
    }
  }

  /** @param {boolean} working */
  #work(working) {
    attribute(this.#button, "aria-disabled", working && "true");
    this.#button.textContent = t(working ? "sign.working" : "sign.in");
    if (working) this.#tell("");
  }

  /** @param {ChatError} problem */
  #refused(problem) {
    const wrong = problem.code === "unauthorized";
    this.#tell(wrong ? t("sign.wrong") : because(problem));
    if (wrong) this.#password.field.select();
  }

  /** @param {string} text */
  #tell(text) {
    this.#said.textContent = text;
  }
}

customElements.define("chat-sign-in", SignIn);
