// @ts-check
/** <chat-app>: who is signed in, here and in the other tabs of this browser. */
import { forget, kept, signOut } from "./account.js";
import { ask } from "./dialog.js";
import { el, View } from "./dom.js";
import { Session } from "./session.js";
import { Shell } from "./shell.js";
import { SignIn } from "./sign-in.js";
import { keptAs } from "./storage.js";
import { choose, t } from "./words.js";

/** @typedef {import("./account.js").Account} Account */

export class App extends View {
  /** @type {Session | null} */
  #session = null;

  open() {
    this.listen(window, "storage", ({ key }) => this.#elsewhere(key));
    this.listen(this, "language", () => this.#reword());
    this.listen(this, "account", ({ detail }) => this.#enter(detail));
    this.listen(this, "leave", () => this.#leave());
    this.#enter(kept(), "", true);
  }

  /** @param {string} [said]  to who has to sign in @param {boolean} [stays]  the focus, where it is */
  #draw(said, stays = false) {
    this.show(this.#session ? new Shell(this.#session, stays) : new SignIn(said));
  }

  /** Here somebody has chosen another language. */
  #reword() {
    this.#draw("", true);
    /** @type {HTMLElement | null} */ (
      this.querySelector("chat-account button, chat-language select")
    )?.focus();
  }

  /**
   * This one from now on, or nobody.
   *
   * @param {Account | null} account @param {string} [said] @param {boolean} [stays]
   */
  #enter(account, said, stays) {
    this.#session?.close();
    this.#session = account && new Session(account);
    this.#session?.addEventListener("ended", ({ target }) => {
      if (target === this.#session) this.#ended();
    });
    this.#draw(said, stays);
  }

  /** The key is good no longer: another tab may have a new one of the same person. */
  #ended() {
    const { key, user } = /** @type {Session} */ (this.#session).account;
    forget(key);
    const other = kept();
    this.#enter(other?.user.user_id === user.user_id ? other : null, t("sign.ended"));
  }

  /** Another tab has said so. @param {string | null} name  of what has changed; null: all */
  async #elsewhere(name) {
    if (name === keptAs("language")) {
      await choose();
      this.#draw("", true);
    } else if (name === null || name === keptAs("account")) {
      const { account, changing } = this.#session ?? {};
      if (!changing && kept()?.key !== account?.key) this.#enter(kept(), t("sign.ended"));
    }
  }

  async #leave() {
    const session = this.#session;
    if (!session || !(await this.#sure(session.chat.unsent.length))) return;
    session.leave();
    this.#session = null;
    this.#draw();
    await signOut(session.account).catch((problem) => {
      if (problem.code !== "unauthorized" && !this.#session) this.#draw(t("sign.unheard"));
    });
  }

  /** @param {number} count  of what would be lost */
  async #sure(count) {
    const question = { title: t("account.out"), action: t("account.out"), danger: true };
    return !count || ask(question, el("p", {}, t("account.unsent", { count })));
  }
}

customElements.define("chat-app", App);
