// @ts-check
/** A message on the screen: the day and the line before it, who, what, when, and how it stands. */
import { attribute, el } from "../dom.js";
import { because } from "../loading.js";
import { t, when } from "../words.js";
import { face } from "./face.js";
import { parts } from "./text.js";

/** @typedef {import("./log.js").Item} Item */

const TOGETHER_MS = 5 * 60_000; // what one says within this is one piece
const LONG = 3000; // characters, or
const LONG_LINES = 40; // so many, are shown when asked for

/**
 * What all messages of a room have in common.
 *
 * @typedef {object} Around
 * @property {(item: Item) => boolean} isMine
 * @property {() => boolean} group  whether names are shown
 * @property {() => boolean} connected
 * @property {(item: Item) => void} retry
 * @property {(item: Item) => void} discard
 */
export class Row {
  #item;
  #around;
  #mine;
  #before = el("div", { class: "before" });
  #name = el("div", { class: "name" });
  #state = el("span", { class: "state" });
  #failed = el("div", { class: "failed" });

  /** @param {Item} item @param {Around} around */
  constructor(item, around) {
    this.#item = item;
    this.#around = around;
    this.#mine = around.isMine(item);
    this.time = el("time", {});
    this.bubble = el(
      "div",
      { class: "bubble" },
      this.#name,
      el("div", { class: "text", dir: "auto" }, ...shown(item.content)),
      el("div", { class: "foot" }, this.time, this.#state),
    );
    this.element = el(
      "div",
      { class: this.#mine ? "message mine" : "message", role: "listitem" },
      this.#before,
      el("div", { class: "line" }, !this.#mine && face(item.message?.sender ?? "", this.sender), this.bubble),
      this.#failed,
    );
  }

  get sender() {
    return this.#item.message?.sender_name ?? t("rooms.house");
  }

  /** @param {Item | undefined} before @param {boolean} first  the unread ones begin here */
  draw(before, first) {
    const { at } = this.#item;
    const newDay = !before || before.at.toDateString() !== at.toDateString();
    const goesOn = !newDay && !first && this.#sameSender(before) && Number(at) - Number(before.at) < TOGETHER_MS;
    const around = [
      newDay && el("div", { class: "day" }, el("span", {}, dayOf(at))),
      first && el("div", { class: "unread" }, el("span", {}, t("rooms.unread_line"))),
    ];
    this.#before.replaceChildren(...around.filter((each) => each !== false));
    this.element.classList.toggle("goes-on", goesOn);
    const name = this.#mine ? t("rooms.you") : this.sender;
    const heard = this.#mine || goesOn || !this.#around.group();
    this.#name.textContent = name;
    this.#name.className = heard ? "name only-heard" : "name";
    attribute(this.time, "datetime", at.toISOString());
    this.time.textContent = when("time", at);
    this.drawState();
  }

  drawState() {
    const { state, publication } = this.#item;
    if (!this.#mine) return;
    this.element.dataset.state = state;
    const sending = this.#around.connected() ? "rooms.sending" : "rooms.waiting";
    const said = state === "sending" ? t(sending) : state === "stored" ? t("rooms.stored") : "";
    this.#state.replaceChildren(
      el("span", { "aria-hidden": "true" }, { sending: "○", stored: "✓", failed: "!" }[state]),
      el("span", { class: state === "sending" ? "" : "only-heard" }, said),
    );
    this.#failed.replaceChildren();
    if (state !== "failed") return;
    this.#failed.append(
      el("span", {}, t("rooms.failed", { reason: because(publication?.error) })),
      el("button", { on: { click: () => this.#around.retry(this.#item) } }, t("rooms.retry")),
      el("button", { on: { click: () => this.#around.discard(this.#item) } }, t("rooms.discard")),
    );
  }

  /** @param {Item} before */
  #sameSender(before) {
    const mine = this.#around.isMine(before);
    return this.#mine ? mine : !mine && before.message?.sender === this.#item.message?.sender;
  }
}

/** The text of a message; of a long one the beginning, and a button. @param {string} content */
function shown(content) {
  if (content.length <= LONG && content.split("\n", LONG_LINES + 1).length <= LONG_LINES) return nodes(content);
  const beginning = content.slice(0, LONG).split("\n", LONG_LINES).join("\n").trimEnd();
  const text = el("div", {}, ...nodes(`${beginning} …`));
  const all = () => {
    text.replaceChildren(...nodes(content));
    button.remove();
  };
  const button = el("button", { class: "all", on: { click: all } }, t("rooms.show_all"));
  return [text, button];
}

/** @param {string} content */
function nodes(content) {
  return parts(content).map((part) => {
    if (part.kind === "text") return document.createTextNode(part.text);
    if (part.kind === "code") return el("code", {}, part.text);
    if (part.kind === "block") return el("pre", { tabindex: 0 }, el("code", {}, part.text));
    return el("a", { href: part.href, target: "_blank", rel: "noopener noreferrer" }, part.text);
  });
}

/** @param {Date} at */
function dayOf(at) {
  return at.toDateString() === new Date().toDateString() ? t("rooms.today") : yesterdayOr(when("day", at), at);
}

/** @param {string} day  what to say of any other day than yesterday @param {Date} at */
export function yesterdayOr(day, at) {
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1); // some days have no 24 hours
  return at.toDateString() === yesterday.toDateString() ? t("rooms.yesterday") : day;
}
