// @ts-check
/** <chat-link-state>: whether there is a connection, and when it is tried again. */
import { el, View } from "./dom.js";
import { t } from "./words.js";

export class LinkState extends View {
  #chat;
  #text = el("span", { role: "status" });
  #now;

  /** @param {import("../client.js").Chat} chat */
  constructor(chat) {
    super();
    this.#chat = chat;
    this.#now = el("button", { on: { click: () => chat.reconnect() } }, t("link.now"));
  }

  open() {
    this.show(this.#text, this.#now);
    this.listen(this.#chat, "state", () => this.#draw());
    const ticking = setInterval(() => this.#draw(), 1000);
    this.gone.addEventListener("abort", () => clearInterval(ticking));
    this.#draw();
  }

  #draw() {
    const { state, nextTry } = this.#chat;
    const seconds = Math.max(0, Math.round((Number(nextTry ?? 0) - Date.now()) / 1000));
    const text = t(`link.${state}`, { seconds });
    if (this.#text.textContent !== text) this.#text.textContent = text; // said anew only if it is
    this.dataset.state = state;
    this.#now.hidden = state !== "waiting";
  }
}

customElements.define("chat-link-state", LinkState);
