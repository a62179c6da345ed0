// @ts-check
/**
 * One room that is open: what was said in it, from the newest backwards, what is said now, and what
 * one says oneself. Every message is there once: those of the server by their offset, one's own from
 * when it is sent, which takes its place in the log when that is known.
 */
import { Presence } from "./presence.js";

/**
 * @typedef {import("../../client/types.js").Message} Message
 * @typedef {import("../../client/publication.js").Publication} Publication
 * @typedef {import("../../client/subscription.js").Subscription} Subscription
 */

const PAGE = 50;
const PAGE_MAX = 200; // what the server gives at once
const SEEN_MS = 400; // between two words that one has read

/** A message as it is shown: its place in the log is known, or it is one's own and on its way, or both. */
export class Item {
  /** @type {Date} of the server once it is known */
  at = new Date();
  /** @type {Message | null} */
  #message = null;

  /** @param {Message | null} message @param {Publication | null} publication */
  constructor(message, publication = null) {
    this.publication = publication;
    this.message = message;
  }

  get message() {
    return this.#message;
  }

  set message(message) {
    this.#message = message;
    if (message) this.at = new Date(message.at);
  }

  get content() {
    return String((this.#message ?? this.publication)?.data.content ?? "");
  }

  /** One's own until it is stored, and then as long as the room is open. */
  get state() {
    return this.publication?.state ?? "stored";
  }
}

/** An Event with what it is about. @template T */
class Told extends Event {
  /** @param {string} type @param {T} detail */
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

/**
 * Events: `reset`, all items are others; `older`, so many were put in front; `item`, this one came or
 * changed; `gone`, this one went; `change` of anything else; `ended`, one is not in this room any more.
 */
export class Conversation extends EventTarget {
  /** @type {Item[]} in the order of the log, then those that have no place in it yet */
  items = [];
  /** There are older ones. */
  more = false;
  /** They are being read. */
  loading = true;
  /** @type {Error | null} why they could not be */
  problem = null;
  /** @type {Item | null} the first that was unread when the room was opened */
  line = null;
  /** @type {import("./rest.js").Room | null} */
  room = null;
  #placed = 0; // how many of the items have their place
  #unread = 0; // how many, when it was opened,
  #mark = 0; // up to where
  #heard = 0; // of others,
  #seen = 0; // and what the server was told of it
  #asked = 0; // how often the newest were asked for
  #watched = false;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #resting = null;
  #leaving = new AbortController();
  /** @type {Subscription} */
  #subscription;

  /** @param {import("./rooms.js").Rooms} rooms @param {string} id */
  constructor(rooms, id) {
    super();
    this.id = id;
    this.topic = `room:${id}`;
    this.rooms = rooms;
    this.chat = rooms.chat;
    this.room = rooms.get(id) ?? null;
    this.presence = new Presence(this, this.#leaving.signal);
    for (const publication of rooms.unsent(this.topic)) this.#follow(publication);
    rooms.addEventListener("change", () => this.#look(), { signal: this.#leaving.signal });
    this.#subscription = this.#join();
  }

  #join() {
    return this.chat.subscribe(this.topic, {
      onMessage: (message) => this.#take(message),
      onSnapshot: (subscription) => this.#begin(subscription),
      onEnd: (problem) => problem && this.#lost(problem),
    });
  }

  /** @param {import("../../client/errors.js").ChatError} problem */
  #lost(problem) {
    if (["denied", "not_found"].includes(problem.code)) this.#tell("ended");
    this.#lose(problem);
  }

  close() {
    this.#leaving.abort();
    this.#subscription.close();
    clearTimeout(this.#resting ?? undefined);
  }

  /** @param {Message} message */
  isMine({ sender }) {
    return sender === this.rooms.user.user_id;
  }

  // What was said

  /** Reads the page before those that are there. */
  async older() {
    if (this.loading || !this.more) return;
    const first = this.items[0]?.message;
    if (!first || !this.#placed) return;
    await this.#read({ before: first.offset, limit: PAGE }, ({ messages, more }) => {
      const items = messages.map((message) => new Item(message));
      this.items.unshift(...items);
      this.#placed += items.length;
      this.more = more;
      this.#findLine();
      this.#tell("older", items.length);
    });
    if (this.more && this.items[0]?.message === first && !this.problem) await this.older();
  }

  /** Once more, what could not be read. */
  again() {
    if (this.#subscription.ended) this.#subscription = this.#join();
    else if (this.#placed) this.older();
    else this.#newest();
  }

  /** What follows is the truth, whatever was there. @param {Subscription} subscription */
  #begin({ state, position }) {
    this.rooms.know(state.room);
    if (!this.#asked) {
      this.#unread = state.unread;
      this.#seen = state.room.has_read ? state.room.last_offset : 0;
    }
    this.#mark = position?.offset ?? 0;
    this.#newest();
  }

  async #newest() {
    const asked = (this.#asked += 1);
    const limit = Math.min(PAGE_MAX, Math.max(PAGE, this.#unread + 10));
    this.loading = false;
    await this.#read({ limit }, ({ messages, more }) => {
      if (asked === this.#asked) this.#replace(messages, more);
    });
  }

  /** These, and what came after them. @param {Message[]} messages @param {boolean} more */
  #replace(messages, more) {
    const there = new Map(this.items.map((item) => [item.message?.offset, item]));
    const last = messages.at(-1)?.offset ?? 0;
    const later = this.items.slice(0, this.#placed).filter(({ message }) => {
      return message && message.offset > Math.max(last, this.#mark);
    });
    const waiting = this.items.slice(this.#placed);
    const page = messages.map((message) => {
      const own = there.get(message.offset) ?? this.#tied(message, waiting);
      if (own) own.message = message;
      return own ?? new Item(message);
    });
    this.items = [...page, ...later, ...waiting.filter((item) => !item.message)];
    this.#placed = page.length + later.length;
    this.more = more;
    const heard = messages.findLast((message) => !this.isMine(message) || !this.room?.has_read);
    this.#heard = Math.max(this.#heard, heard?.offset ?? 0);
    this.#findLine();
    this.#tell("reset");
    this.#see();
  }

  /**
   * @param {{before?: number, limit: number}} page
   * @param {(page: import("../../client/types.js").Page) => void} apply
   */
  async #read(page, apply) {
    this.loading = true;
    this.problem = null;
    this.#tell("change");
    try {
      const found = await this.chat.history(this.topic, page);
      if (this.#leaving.signal.aborted) return;
      this.loading = false;
      apply(found);
      this.#tell("change");
    } catch (problem) {
      this.#lose(/** @type {Error} */ (problem));
    }
  }

  /** @param {Error} problem */
  #lose(problem) {
    this.loading = false;
    this.problem = problem;
    this.#tell("change");
  }

  /** Counted from the newest; it may be on a page that is not read yet. */
  #findLine() {
    if (this.line || !this.#unread) return;
    let left = this.#unread;
    for (let n = this.#placed - 1; n >= 0; n -= 1) {
      const { message } = this.items[n];
      if (!message || message.offset > this.#mark || this.isMine(message)) continue;
      left -= 1;
      if (left === 0) this.line = this.items[n];
    }
  }

  // What is said now

  /** @param {Message} message */
  #take(message) {
    const last = this.items[this.#placed - 1]?.message;
    if (last && message.offset <= last.offset) return;
    if (!this.isMine(message)) this.#heard = message.offset;
    this.presence.said(message.sender);
    this.rooms.take(message, this.#watched);
    const tied = this.#tied(message, this.items.slice(this.#placed));
    if (tied) this.#takeOut(tied);
    const item = tied ?? new Item(message);
    item.message = message;
    this.#put(item);
    this.#see();
  }

  /**
   * The own one that this probably is: what is sent goes out in order, and the answer that says so
   * for sure follows.
   *
   * @param {Message} message @param {Item[]} waiting
   */
  #tied(message, waiting) {
    if (!this.isMine(message)) return undefined;
    return waiting.find(
      ({ message: tied, state, content }) =>
        !tied && state === "sending" && content === String(message.data.content),
    );
  }

  /** Says something. @param {string} content */
  post(content) {
    this.#follow(this.rooms.post(this.topic, content));
  }

  /** A failed one is not wanted any more. @param {Item} item */
  discard(item) {
    if (item.publication) this.rooms.discard(item.publication);
    this.#takeOut(item);
    this.#tell("gone", item);
  }

  /** @param {Publication} publication */
  #follow(publication) {
    const item = new Item(null, publication);
    this.items.push(item);
    const { signal } = this.#leaving;
    publication.addEventListener("change", () => this.#answered(item), { signal });
    this.#tell("item", item);
  }

  /** @param {Item} item */
  #answered(item) {
    const { sent, state, topic, data } = /** @type {Publication} */ (item.publication);
    const { message } = item;
    if (state === "stored" ? sent?.offset === message?.offset : !message) {
      this.#tell("item", item);
      return;
    }
    this.#takeOut(item);
    item.message = state === "stored" ? this.#message(sent, topic, data) : null;
    if (message) this.#put(new Item(message)); // it was another one of mine with the same words
    this.#put(item);
  }

  /** @param {any} sent @param {string} topic @param {import("../../client/types.js").Data} data @returns {Message} */
  #message({ epoch, offset, id, at }, topic, data) {
    const { user_id, name } = this.rooms.user;
    return { topic, epoch, offset, id, at, sender: user_id, sender_name: name, data };
  }

  /** Where it belongs; the one that has its place already goes. @param {Item} item */
  #put(item) {
    const offset = item.message?.offset;
    let place = this.items.length;
    if (offset !== undefined) {
      place = this.#placed;
      while (place && (this.items[place - 1].message?.offset ?? 0) > offset) place -= 1;
      const there = this.items[place - 1];
      if (there?.message?.offset === offset) {
        this.#takeOut(there);
        this.#tell("gone", there);
        place -= 1;
      }
      this.#placed += 1;
    }
    this.items.splice(place, 0, item);
    this.#tell("item", item);
  }

  /** @param {Item} item */
  #takeOut(item) {
    const place = this.items.lastIndexOf(item);
    if (place < 0) return;
    this.items.splice(place, 1);
    if (place < this.#placed) this.#placed -= 1;
  }

  // What one has read

  /** Whether the newest one is on the screen of somebody who looks. @param {boolean} watched */
  watch(watched) {
    this.#watched = watched;
    this.#see();
  }

  /** Tells the server, now and then. */
  #see() {
    if (!this.#watched || this.#resting || this.#heard <= this.#seen) return;
    this.#seen = this.#heard;
    this.chat.seen(this.topic, this.#seen).catch(() => {}); // with the next one
    this.#resting = setTimeout(() => {
      this.#resting = null;
      this.#see();
    }, SEEN_MS);
  }

  #look() {
    const room = this.rooms.get(this.id);
    if (!room || room === this.room) return;
    this.room = room;
    this.#tell("change");
  }

  /** @param {string} type @param {any} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new Told(type, detail));
  }
}
