// @ts-check
/** <chat-link-state>: whether there is a connection, in words, and when it is tried again. */
import { el, View } from "./dom.js";
import { say } from "./say.js";
import { t } from "./words.js";

const BLINK_MS = 1000; // a connection that is back so soon is not talked of

export class LinkState extends View {
  #chat;
  #state = el("span", { role: "status", "aria-live": "off" }); // `say` tells of it
  #until = el("span", { class: "until" });
  #now;
  #lost = false; // since then it is tried again
  #said = true; // whether those who hear the page know of a connection
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;

  /** @param {import("../client.js").Chat} chat */
  constructor(chat) {
    super();
    this.#chat = chat;
    this.#now = el("button", { on: { click: () => chat.reconnect() } }, t("link.now"));
  }

  open() {
    this.listen(this.#chat, "state", () => this.#change());
    const ticking = setInterval(() => this.#count(), 1000);
    this.gone.addEventListener("abort", () => {
      clearInterval(ticking);
      clearTimeout(this.#telling);
    });
    this.#change();
  }

  #change() {
    const { state } = this.#chat;
    this.dataset.state = state;
    this.#state.textContent = t(`link.${state}`);
    this.#count();
    this.#lose(state === "waiting" || (this.#lost && state === "connecting"));
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#tell(), BLINK_MS);
  }

  /** @param {boolean} lost */
  #lose(lost) {
    if (this.hasChildNodes() && lost === this.#lost) return;
    const left = this.contains(document.activeElement);
    this.#lost = lost;
    this.toggleAttribute("data-lost", lost);
    this.show(this.#state, lost && this.#until, lost && this.#now);
    if (left) document.getElementById("content")?.focus(); // its button has gone
  }

  #count() {
    const { nextTry } = this.#chat;
    const seconds = Math.max(0, Math.ceil((Number(nextTry ?? 0) - Date.now()) / 1000));
    this.#until.textContent = nextTry ? t("link.until", { seconds }) : "";
  }

  /** Once when it is lost, and once when it is back: not at each attempt. */
  #tell() {
    const open = this.#chat.state === "open";
    if (open === this.#said) return;
    this.#said = open;
    say(t(open ? "link.open" : "link.waiting"));
  }
}

customElements.define("chat-link-state", LinkState);
