// @ts-check
/** <chat-account>: whose page this is, and what is his to set. */
import { ChatError } from "../client.js";
import { ask } from "./dialog.js";
import { el, icon, initials, View } from "./dom.js";
import { LanguageChoice } from "./language.js";
import { PasswordField } from "./password.js";
import { route } from "./route.js";
import { say } from "./say.js";
import { t } from "./words.js";

const LEAST = 8; // characters of a password

/** Events, which bubble: `leave`, and `account` with another one as its detail. */
export class AccountMenu extends View {
  #session;

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    super();
    this.#session = session;
  }

  open() {
    this.listen(this.#session, "change", () => this.#draw());
    this.listen(route, "change", () => this.#shut());
    this.#draw();
  }

  #shut() {
    /** @type {HTMLElement} */ (this.querySelector(".menu")).hidePopover();
  }

  #draw() {
    const { name, login_name: login, tenant } = this.#session.user;
    const menu = el(
      "div",
      { id: "account", class: "menu", popover: "auto" },
      el("p", { class: "who" }, el("strong", {}, name), el("span", { class: "faint" }, login)),
      tenant && el("p", { class: "faint" }, t("account.company", { name: tenant })),
      new LanguageChoice(),
      this.#button("key", t("account.password"), () => this.#password()),
      this.#button("out", t("account.out"), () => this.#tell("leave")),
    );
    const button = el(
      "button",
      { class: "opener", popovertarget: "account", "aria-label": t("account.menu", { name }) },
      el("span", { class: "initials", "aria-hidden": "true" }, initials(name)),
      el("span", { class: "name" }, name),
      icon("down"),
    );
    this.show(button, menu);
  }

  /** @param {"key" | "out"} picture @param {string} text @param {() => void} act */
  #button(picture, text, act) {
    const click = () => {
      this.#shut();
      act();
    };
    return el("button", { class: "item", on: { click } }, icon(picture), text);
  }

  async #password() {
    const old = new PasswordField(t("account.old"), "current-password");
    const wanted = new PasswordField(t("account.new"), "new-password", { minlength: LEAST });
    const send = async () => {
      const detail = await this.#session.changePassword(old.value, wanted.value).catch(refused);
      say(t("account.changed"));
      this.#tell("account", detail);
    };
    const name = el("input", {
      autocomplete: "username", // for what keeps passwords
      hidden: true,
      value: this.#session.user.login_name,
    });
    const question = { title: t("account.password"), action: t("app.save"), send };
    await ask(question, el("p", { class: "faint" }, t("account.others")), name, old, wanted);
  }

  /** @param {string} type @param {any} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, detail }));
  }
}

/** @param {ChatError} problem @returns {never} */
function refused(problem) {
  throw problem.code === "denied" ? new ChatError("denied", t("account.wrong")) : problem;
}

customElements.define("chat-account", AccountMenu);
