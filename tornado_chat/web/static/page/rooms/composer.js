// @ts-check
/** <chat-composer>: where one writes. */
import { el, icon, View } from "../dom.js";
import { t } from "../words.js";

const TALL = 8; // lines
const TOUCHED = matchMedia("(pointer: coarse)"); // its keys have no Shift+Enter: Enter begins a line

export class Composer extends View {
  #conversation;
  #sent;
  #text = el("textarea", {
    rows: 1,
    placeholder: t("rooms.write"),
    "aria-label": t("rooms.message"),
    "aria-describedby": "composer-said",
    on: { input: () => this.#typed(), keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) },
  });
  #button = el(
    "button",
    { class: "main", type: "submit", "aria-label": t("rooms.send") },
    icon("send"),
  );
  #said = el("p", { id: "composer-said", role: "status" });

  /** @param {import("./conversation.js").Conversation} conversation @param {() => void} sent */
  constructor(conversation, sent) {
    super();
    this.#conversation = conversation;
    this.#sent = sent;
  }

  open() {
    const send = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#send();
    };
    this.show(el("form", { on: { submit: send } }, this.#text, this.#button), this.#said);
    this.listen(this.#conversation.chat, "state", () => this.#look());
    this.#text.value = this.#conversation.rooms.outbox.drafts.get(this.#conversation.id) ?? "";
    this.#look();
  }

  focus() {
    this.#text.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || TOUCHED.matches) return;
    event.preventDefault();
    this.#send();
  }

  #typed() {
    const { value } = this.#text;
    this.#conversation.rooms.outbox.draft(this.#conversation.id, value);
    if (value.trim()) this.#conversation.presence.write();
    this.#look();
  }

  #send() {
    const content = this.#text.value.trimEnd();
    this.#text.focus();
    if (!content.trim() || this.#over(content)) return;
    this.#conversation.post(content);
    this.#text.value = "";
    this.#conversation.rooms.outbox.draft(this.#conversation.id, "");
    this.#look();
    this.#sent();
  }

  /** By how many bytes it is too long. @param {string} content */
  #over(content) {
    const most = this.#conversation.chat.hello?.limits?.frame_bytes;
    if (!most || content.length * 6 + 16 <= most) return 0; // no sign takes more
    return Math.max(0, new TextEncoder().encode(JSON.stringify({ content })).length - most);
  }

  #look() {
    const { value } = this.#text;
    const over = this.#over(value.trimEnd());
    this.#text.rows = Math.min(TALL, value.split("\n", TALL).length); // where CSS does not do it
    this.#text.setAttribute("aria-invalid", String(over > 0));
    this.#button.setAttribute("aria-disabled", String(!value.trim() || over > 0));
    const offline = this.#conversation.chat.state === "open" ? "" : t("rooms.offline");
    const text = over ? t("rooms.too_long", { count: over }) : offline;
    if (this.#said.textContent !== text) this.#said.textContent = text;
  }
}

customElements.define("chat-composer", Composer);
