// @ts-check
/**
 * What was said in a room, as it is shown. Every message is there once: those of the server by their
 * offset; one's own from when it is sent, at the end, until its place in the log is known.
 */
import { textOf } from "./text.js";

/**
 * @typedef {import("../../client/types.js").Message} Message
 * @typedef {import("../../client/publication.js").Publication} Publication
 */

/** A message whose place is known, or one's own that is on its way, or both. */
export class Item {
  /** Of the server, once it is known. */
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

  get offset() {
    return this.#message?.offset;
  }

  get content() {
    return textOf((this.#message ?? this.publication)?.data);
  }

  get state() {
    return this.publication?.state ?? "stored";
  }
}

/** It tells `reset`: all are others; `older`: so many came in front; `item`: it came or changed; `gone`. */
export class Log {
  /** @type {Item[]} in the order of the server's log, then those without a place in it */
  items = [];
  /** How many have their place. */
  placed = 0;
  /** @type {Map<string, Item>} those of before a snapshot, until the page is read */
  #before = new Map();
  #user;
  #tell;

  /** @param {import("../../client/types.js").User} user @param {(what: string, detail?: any) => void} tell */
  constructor(user, tell) {
    this.#user = user;
    this.#tell = tell;
  }

  /** @param {Item} item */
  isMine({ message }) {
    return !message || message.sender === this.#user.user_id;
  }

  /** A page of what was said before. @param {Message[]} messages */
  older(messages) {
    this.items.unshift(...messages.map((message) => new Item(message)));
    this.placed += messages.length;
    this.#tell("older", messages.length);
  }

  /**
   * What has its place may not be true any more: the server's log may have gone back, and its offsets
   * stand for others. It stays on the screen until the newest page is there.
   */
  begin() {
    for (const item of this.items.slice(0, this.placed)) this.#before.set(placeOf(item.message), item);
    this.items = this.items.slice(this.placed);
    this.placed = 0;
  }

  /** The newest page; what came since is behind it. @param {Message[]} messages */
  replace(messages) {
    const last = messages.at(-1)?.offset ?? 0;
    const came = this.items.slice(0, this.placed);
    const there = new Map(this.#before);
    for (const item of came) there.set(placeOf(item.message), item);
    const later = came.filter(({ offset = 0 }) => offset > last);
    const waiting = this.items.slice(this.placed);
    this.#before.clear();
    const page = messages.map((message) => {
      const item = there.get(placeOf(message)) ?? tied(new Item(message), this, waiting);
      item.message = message;
      return item;
    });
    this.items = [...page, ...later, ...waiting.filter(({ message }) => !message)];
    this.placed = page.length + later.length;
    this.#tell("reset");
  }

  /**
   * One that came; false where it is there. What was missed may come after the answer to one's own.
   *
   * @param {Message} message
   */
  take(message) {
    if (this.items[this.#place(message.offset) - 1]?.offset === message.offset) return false;
    const item = tied(new Item(message), this, this.items.slice(this.placed));
    this.#takeOut(item);
    item.message = message;
    this.#put(item);
    return true;
  }

  /** One's own that is on its way. @param {Publication} publication @param {AbortSignal} signal */
  follow(publication, signal) {
    const item = new Item(null, publication);
    this.#put(item);
    publication.addEventListener("change", () => this.#answered(item, publication), { signal });
  }

  /** @param {Item} item */
  discard(item) {
    this.#takeOut(item);
    this.#tell("gone", item);
  }

  /** @param {Item} item @param {Publication} publication */
  #answered(item, { sent, state, topic, data }) {
    const { message } = item;
    if (state === "stored" ? sent?.offset === message?.offset : !message) {
      this.#tell("item", item);
      return;
    }
    const { user_id: sender, name: sender_name } = this.#user;
    this.#takeOut(item);
    item.message = state === "stored" ? /** @type {any} */ ({ ...sent, topic, data, sender, sender_name }) : null;
    if (message) this.#put(new Item(message)); // another one of mine with the same words
    this.#put(item);
  }

  /** Where it belongs; what is there of it already goes. @param {Item} item */
  #put(item) {
    const quiet = this.#before.size > 0; // all is told at once
    const { offset } = item;
    let place = this.items.length;
    if (offset !== undefined) {
      place = this.#place(offset);
      const there = this.items[place - 1];
      if (there?.offset === offset) {
        this.discard(there);
        place -= 1;
      }
      this.placed += 1;
    }
    this.items.splice(place, 0, item);
    if (!quiet) this.#tell("item", item);
  }

  /** Behind all that are not after it; from the end, for it mostly is the newest. @param {number} offset */
  #place(offset) {
    let place = this.placed;
    while (place && (this.items[place - 1].offset ?? 0) > offset) place -= 1;
    return place;
  }

  /** @param {Item} item */
  #takeOut(item) {
    const place = this.items.lastIndexOf(item);
    if (place < 0) return;
    this.items.splice(place, 1);
    if (place < this.placed) this.placed -= 1;
  }
}

/** In the log as it was then: one that went back gives an offset to another message. @param {Message | null} message */
function placeOf(message) {
  return `${message?.epoch} ${message?.offset}`;
}

/**
 * The own one that this probably is, else itself. What is sent goes out in order, and the answer
 * that tells for sure follows.
 *
 * @param {Item} item @param {Log} log @param {Item[]} waiting
 */
function tied(item, log, waiting) {
  const fits = (/** @type {Item} */ { message, state, content }) =>
    !message && state === "sending" && content === item.content;
  return (log.isMine(item) && waiting.find(fits)) || item;
}
