// @ts-check
/**
 * <chat-messages>: what is said in a room. Rows lie in pages, of which the browser draws those that
 * are near; a new message costs the same however many there are.
 */
import { el, View } from "../dom.js";
import { failure } from "../loading.js";
import { say } from "../say.js";
import { t } from "../words.js";
import { Row } from "./message.js";

/** @typedef {import("./log.js").Item} Item */

const NEAR = 1000; // pixels from the top: time to read older ones
const LOW = 40; // pixels from the bottom that are the bottom
const ROWS = 60; // in a page
const HEARD = 200; // characters of a new message that are read out

export class Messages extends View {
  /** @type {Map<Item, Row>} */
  #rows = new Map();
  #conversation;
  #log;
  #around;
  #begun = false; // there was something to read
  #atBottom = true;
  #new = 0; // that came below what is to be seen
  #status = el("div", { class: "above", role: "status" });
  #list = el("div", { role: "list" });
  #scroller = el(
    "div",
    { class: "scroller", tabindex: 0, role: "log", "aria-live": "off", "aria-label": t("rooms.messages") },
    this.#status,
    this.#list,
  );
  #count = el("span", {});
  #down = el("button", { class: "down", hidden: true, on: { click: () => this.toBottom() } }, this.#count, " ↓");

  /** @param {import("./conversation.js").Conversation} conversation */
  constructor(conversation) {
    super();
    this.#conversation = conversation;
    this.#log = conversation.log;
    this.#around = {
      isMine: (/** @type {Item} */ item) => conversation.log.isMine(item),
      group: () => !conversation.room?.one_to_one,
      connected: () => conversation.chat.state === "open",
      retry: (/** @type {Item} */ { publication }) => publication?.retry(),
      discard: (/** @type {Item} */ item) => conversation.discard(item),
    };
  }

  open() {
    this.show(this.#scroller, this.#down);
    this.listen(this.#conversation, "reset", () => this.#reset());
    this.listen(this.#conversation, "older", ({ detail }) => this.#older(detail));
    this.listen(this.#conversation, "item", ({ detail }) => this.#item(detail));
    this.listen(this.#conversation, "gone", ({ detail }) => this.#gone(detail));
    this.listen(this.#conversation, "change", () => this.#tell());
    this.listen(this.#conversation.chat, "state", () => this.#states());
    this.listen(this.#scroller, "scroll", () => this.#look());
    this.listen(document, "visibilitychange", () => this.#look());
    const sizes = new ResizeObserver(() => this.#keep());
    sizes.observe(this.#scroller);
    sizes.observe(this.#list);
    this.gone.addEventListener("abort", () => sizes.disconnect());
    this.#waitForMidnight();
    this.#tell();
    this.#reset(); // what was not sent yet is there
  }

  /** Where the newest is. */
  toBottom() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#look();
  }

  /** Then today is yesterday. */
  #waitForMidnight() {
    const midnight = new Date().setHours(24, 0, 1, 0);
    const waiting = setTimeout(() => {
      this.#log.items.forEach((_, place) => this.#draw(place));
      this.#waitForMidnight();
    }, midnight - Date.now());
    this.gone.addEventListener("abort", () => clearTimeout(waiting));
  }

  // What changes

  #reset() {
    const { items } = this.#log;
    const begins = !this.#begun;
    this.#begun ||= this.#log.placed > 0;
    const anchor = this.#atBottom ? null : this.#anchor();
    const rows = new Map(items.map((item) => [item, this.#rows.get(item) ?? new Row(item, this.#around)]));
    this.#rows = rows;
    this.#list.replaceChildren();
    for (let n = 0; n < items.length; n += ROWS) this.#list.append(this.#page(n, Math.min(n + ROWS, items.length)));
    this.#seal();
    const first = items.find((item) => this.#isFirst(item));
    const row = first && rows.get(first);
    if (begins && row) this.#restore({ element: row.element, top: this.#scroller.getBoundingClientRect().top });
    else if (anchor) this.#restore(anchor);
    else this.toBottom();
    this.#look();
  }

  /** @param {number} count */
  #older(count) {
    const { items } = this.#log;
    if (!count) return;
    for (const item of items.slice(0, count)) this.#rows.set(item, new Row(item, this.#around));
    const anchor = this.#anchor();
    const pages = [];
    for (let n = 0; n < count; n += ROWS) pages.push(this.#page(n, Math.min(n + ROWS, count)));
    this.#list.prepend(...pages);
    this.#draw(count); // it may be the first of its day no longer
    this.#restore(anchor);
    this.#seal();
    this.#look();
  }

  /** It is new, has another place, or stands otherwise. @param {Item} item */
  #item(item) {
    const { items } = this.#log;
    const place = items.lastIndexOf(item);
    if (place < 0) return;
    const stays = this.#atBottom;
    const isNew = !this.#rows.has(item);
    const row = this.#rows.get(item) ?? new Row(item, this.#around);
    this.#rows.set(item, row);
    const before = this.#rows.get(items[place - 1]);
    if (isNew || previous(row.element) !== before?.element) this.#insert(row.element, before?.element);
    this.#draw(place);
    this.#draw(place + 1);
    if (isNew) this.#announce(item, row);
    if (stays || (isNew && item.publication)) this.toBottom();
    else this.#look();
  }

  /** @param {Item} item */
  #gone(item) {
    this.#rows.get(item)?.element.remove();
    this.#rows.delete(item);
    this.#draw(this.#log.items.length - 1);
    this.#look();
  }

  /** @param {HTMLElement} row @param {HTMLElement} [before] */
  #insert(row, before) {
    const page = before?.parentElement ?? this.#list.firstElementChild;
    if (before && (before.nextSibling || (page?.childElementCount ?? 0) < ROWS)) before.after(row);
    else if (page && !before) page.prepend(row);
    else {
      const next = el("div", { class: "page" }, row);
      if (page) page.after(next);
      else this.#list.append(next);
      this.#seal();
    }
  }

  /** @param {number} from @param {number} to */
  #page(from, to) {
    const page = el("div", { class: "page" });
    for (let n = from; n < to; n += 1) {
      page.append(/** @type {Row} */ (this.#rows.get(this.#log.items[n])).element);
      this.#draw(n);
    }
    return page;
  }

  /** @param {number} place */
  #draw(place) {
    const item = this.#log.items[place];
    if (item) this.#rows.get(item)?.draw(this.#log.items[place - 1], this.#isFirst(item));
  }

  /** Of the unread ones. @param {Item} item */
  #isFirst({ offset }) {
    return offset !== undefined && offset === this.#conversation.line;
  }

  /** All pages but the last one are full: the browser may leave them out where nobody looks. */
  #seal() {
    for (const page of this.#list.querySelectorAll(".page:not(.full, :last-child)")) {
      const { height } = page.getBoundingClientRect();
      /** @type {HTMLElement} */ (page).style.containIntrinsicBlockSize = `auto ${height}px`;
      page.classList.add("full");
    }
  }

  /** Of one's own messages that are on their way. */
  #states() {
    for (const item of this.#log.items.slice(this.#log.placed)) {
      this.#rows.get(item)?.drawState();
    }
  }

  // Where one is

  /** What is at the top of the screen, and where. */
  #anchor() {
    const { top } = this.#scroller.getBoundingClientRect();
    const seen = (/** @type {Element} */ each) => each.getBoundingClientRect().bottom > top;
    const page = [...this.#list.children].find(seen);
    const row = page && [...page.children].find(seen);
    const element = row?.querySelector(".text");
    return element ? { element, top: element.getBoundingClientRect().top } : null;
  }

  /** @param {{element: Element, top: number} | null} anchor */
  #restore(anchor) {
    if (anchor?.element.isConnected) this.#scroller.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
  }

  /** The window or what is in it has another size. */
  #keep() {
    if (this.#atBottom) this.toBottom();
    else this.#look();
  }

  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#atBottom = scrollTop + clientHeight >= scrollHeight - LOW;
    if (this.#atBottom) this.#new = 0;
    this.#down.hidden = this.#atBottom;
    const text = this.#new ? t("rooms.new", { count: this.#new }) : t("rooms.newest");
    if (this.#count.textContent !== text) this.#count.textContent = text;
    const { items } = this.#log;
    this.#conversation.watch(this.#atBottom && items.length > 0 && document.visibilityState === "visible");
    if (scrollTop < NEAR && items.length && !this.#conversation.problem) this.#conversation.older();
  }

  /** @param {Item} item @param {Row} row */
  #announce(item, row) {
    if (this.#log.isMine(item)) return;
    if (!this.#atBottom) this.#new += 1;
    say(t("rooms.said_by", { name: row.sender, text: item.content.slice(0, HEARD) }));
  }

  /** What is there instead of messages, or above them. */
  #tell() {
    const { loading, problem } = this.#conversation;
    this.#status.classList.toggle("over", loading && !problem); // it moves nothing
    if (problem) {
      this.#status.replaceChildren(failure(problem, () => this.#conversation.again()));
    } else {
      const nothing = this.#log.items.length ? "" : t("rooms.nothing_said");
      const text = loading ? t("app.loading") : nothing;
      if (this.#status.textContent !== text) this.#status.textContent = text;
    }
  }
}

/** The row before, also if it lies in the page before. @param {Element} row */
function previous(row) {
  return row.previousElementSibling ?? row.parentElement?.previousElementSibling?.lastElementChild;
}

customElements.define("chat-messages", Messages);
