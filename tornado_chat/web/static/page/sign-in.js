// @ts-check
/** <chat-sign-in>: name and password. */
import { signIn } from "./account.js";
import { el, View } from "./dom.js";
import { t } from "./words.js";

/** @type {Record<string, string>} by the code of an error */
const SAID = {
  unauthorized: "sign.wrong",
  rate_limited: "sign.often",
  unavailable: "sign.nobody",
};

export class SignIn extends View {
  #said;
  #signedIn;

  /** @param {(account: import("./account.js").Account) => void} signedIn @param {string} [said]  why he is here */
  constructor(signedIn, said = "") {
    super();
    this.#signedIn = signedIn;
    this.#said = el("p", { class: "said", role: "alert" }, said);
  }

  open() {
    const name = el("input", {
      id: "name",
      name: "username",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
      required: true,
    });
    const password = el("input", {
      id: "password",
      name: "password",
      type: "password",
      autocomplete: "current-password",
      required: true,
    });
    const stay = el("input", { type: "checkbox", id: "stay" });
    const button = el("button", { class: "main", type: "submit" }, t("sign.in"));
    const send = async (/** @type {Event} */ event) => {
      event.preventDefault();
      button.disabled = true;
      this.#said.textContent = t("sign.working");
      try {
        this.#signedIn(await signIn(name.value.trim(), password.value, stay.checked));
      } catch (problem) {
        this.#refused(/** @type {import("../client.js").ChatError} */ (problem));
        button.disabled = false;
        password.select();
      }
    };
    this.show(
      el(
        "main",
        { class: "card", id: "content" },
        el("img", { src: "/page/icon.svg", alt: "", width: 48, height: 48 }),
        el("h1", {}, t("sign.title")),
        el(
          "form",
          { on: { submit: send } },
          el("label", { for: "name" }, t("sign.name")),
          name,
          el("label", { for: "password" }, t("sign.password")),
          password,
          el("label", { class: "check" }, stay, t("sign.stay")),
          button,
          this.#said,
        ),
      ),
    );
    name.focus();
  }

  /** @param {import("../client.js").ChatError} problem */
  #refused({ code, message }) {
    this.#said.textContent = SAID[code] ? t(SAID[code]) : t("app.failed", { reason: message });
  }
}

customElements.define("chat-sign-in", SignIn);
