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
    this.show(this.#state, this.#until, this.#now);
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
    this.#now.hidden = state !== "waiting";
    this.#count();
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#tell(), BLINK_MS);
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
