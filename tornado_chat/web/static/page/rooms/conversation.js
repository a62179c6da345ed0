// @ts-check
/** One room that is open: what is said from now on, and what was said, from the newest backwards. */
import { ChatEvent } from "../../client.js";
import { Log } from "./log.js";
import { Presence } from "./presence.js";

/**
 * @typedef {import("../../client/types.js").Message} Message
 * @typedef {import("../../client/types.js").Page} Page
 * @typedef {import("../../client/subscription.js").Subscription} Subscription
 * @typedef {import("./log.js").Item} Item
 */

const PAGE = 50;
const PAGE_MAX = 200; // what the server gives at once
const SEEN_MS = 400; // between two words that one has read

/** Events: those of its log; `change` of anything else; `ended`: one is not in this room any more. */
export class Conversation extends EventTarget {
  /** There is something older. */
  more = false;
  /** It is being read. */
  loading = true;
  /** @type {Error | null} why it could not be */
  problem = null;
  /** @type {number | null} the offset of the first that was unread when the room was opened */
  line = null;
  /** @type {import("./rest.js").Room | null} */
  room = null;
  #unread = 0; // when it was opened, as many as were not found yet
  #counted = Infinity; // from where on they were looked for
  #heard = 0; // of others,
  #seen = 0; // and what the server was told of it
  #asked = 0; // how often for the newest
  #watched = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} until the server is told again */
  #resting;
  #leaving = new AbortController();
  /** @type {Subscription} */
  #subscription;

  /** @param {import("./rooms.js").Rooms} rooms @param {string} id */
  constructor(rooms, id) {
    super();
    const { signal } = this.#leaving;
    this.id = id;
    this.topic = `room:${id}`;
    this.rooms = rooms;
    this.chat = rooms.chat;
    this.room = rooms.get(id) ?? null;
    this.log = new Log(rooms.user, (what, detail) => this.#tell(what, detail));
    this.presence = new Presence(this, signal);
    for (const publication of rooms.outbox.of(this.topic)) this.log.follow(publication, signal);
    rooms.addEventListener("change", () => this.#look(), { signal });
    this.#subscription = this.#join();
  }

  close() {
    this.#leaving.abort();
    this.#subscription.close();
    clearTimeout(this.#resting);
  }

  #join() {
    return this.chat.subscribe(this.topic, {
      onMessage: (message) => this.#take(message),
      onSnapshot: (subscription) => this.#begin(subscription),
      onJoined: () => this.presence.look(),
      onEnd: (problem) => problem && this.#lost(problem),
    });
  }

  /** @param {import("../../client.js").ChatError} problem */
  #lost(problem) {
    this.#failed(problem);
    if (["denied", "not_found"].includes(problem.code)) this.#tell("ended");
  }

  // What is said

  /** @param {Message} message */
  #take(message) {
    if (!this.log.take(message)) return;
    const { sender, offset } = message;
    if (sender !== this.rooms.user.user_id) this.#heard = Math.max(this.#heard, offset);
    this.presence.said(sender);
    this.rooms.take(message, this.#watched);
    this.#see();
  }

  /** Says something. @param {string} content */
  post(content) {
    this.log.follow(this.rooms.outbox.post(this.topic, content), this.#leaving.signal);
  }

  /** One that has failed is not wanted any more. @param {Item} item */
  discard(item) {
    if (item.publication) this.rooms.outbox.discard(item.publication);
    this.log.discard(item);
  }

  // What was said

  /** What follows is all that there is, whatever was there. @param {Subscription} subscription */
  #begin({ state: { room, unread } }) {
    this.rooms.know(room);
    if (!this.#asked) {
      this.#unread = unread;
      this.#counted = room.last_offset + 1;
    }
    this.#seen = room.has_read ? room.last_offset : 0;
    this.#heard = 0;
    this.log.begin();
    this.#newest();
  }

  /** Once more what could not be read. */
  again() {
    if (this.#subscription.ended) this.#subscription = this.#join();
    else if (this.log.placed) this.older();
    else this.#newest();
  }

  /** Reads the page before those that are there. */
  async older() {
    if (this.loading || !this.more) return;
    let came = 0;
    do {
      const before = this.log.items[0].offset;
      await this.#read({ before, limit: PAGE }, ({ messages }) => {
        came = messages.length; // a page may be empty, and others follow
        this.#findLine(messages);
        this.log.older(messages);
      });
    } while (!came && this.more && !this.problem);
  }

  async #newest() {
    const asked = (this.#asked += 1);
    const limit = Math.min(PAGE_MAX, Math.max(PAGE, this.#unread + 10));
    await this.#read({ limit }, ({ messages }) => {
      if (asked !== this.#asked) return; // it is asked once more
      const heard = messages.findLast(({ sender }) => sender !== this.rooms.user.user_id);
      this.#heard = Math.max(this.#heard, heard?.offset ?? 0);
      this.#findLine(messages);
      this.log.replace(messages);
    });
    this.#see();
  }

  /** @param {{before?: number, limit: number}} page @param {(page: Page) => void} apply */
  async #read(page, apply) {
    this.loading = true;
    this.problem = null;
    this.#tell("change");
    try {
      const found = await this.chat.history(this.topic, page);
      if (this.#leaving.signal.aborted) return;
      this.loading = false;
      this.more = found.more;
      apply(found);
      this.#tell("change");
    } catch (problem) {
      this.#failed(/** @type {Error} */ (problem));
    }
  }

  /** @param {Error} problem */
  #failed(problem) {
    this.loading = false;
    this.problem = problem;
    this.#tell("change");
  }

  // What one has read

  /** The pages are gone through backwards, until all that was unread was there. @param {Message[]} messages */
  #findLine(messages) {
    const others = messages.filter(({ sender, offset }) => {
      return sender !== this.rooms.user.user_id && offset < this.#counted;
    });
    const unread = others.slice(Math.max(0, others.length - this.#unread));
    if (!unread.length) return;
    this.#counted = unread[0].offset;
    this.#unread -= unread.length;
    if (!this.#unread || !this.more) this.line = this.#counted;
  }

  /** Whether the newest is on the screen of somebody who looks. @param {boolean} watched */
  watch(watched) {
    this.#watched = watched;
    this.#see();
  }

  /** Tells the server, now and then. */
  #see() {
    if (!this.#watched || this.#resting || this.#heard <= this.#seen) return;
    this.#seen = this.#heard;
    this.chat.seen(this.topic, this.#seen).catch(() => {}); // the next one tells of this, too
    this.#resting = setTimeout(() => {
      this.#resting = undefined;
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
    this.dispatchEvent(new ChatEvent(type, detail));
  }
}
