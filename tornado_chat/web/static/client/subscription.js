// @ts-check
/**
 * A topic as its reader sees it: one stream, whatever the network does below.
 *
 * 1. Messages come once and in order, by their offset; what is kept for a reader is bounded.
 * 2. A reader too slow for his queue falls behind: what comes is dropped, the server is asked to
 *    stop, and when half the queue is free it is asked to go on from the last one that was kept.
 * 3. Where the server gives a state because the messages alone do not tell all, the reader has it
 *    in its place: after what came before, and before what follows.
 */
import { ChatError, tell } from "./errors.js";

/**
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Position} Position
 * @typedef {import("./types.js").Since} Since
 * @typedef {{message: Message}} Said
 * @typedef {{state: any, position: Position | null, hole: boolean}} Snapshot
 *
 * @typedef {object} Reader
 * @property {Since} [since]  null: what comes from now on
 * @property {(message: Message, subscription: Subscription) => void} [onMessage]  instead of iterating
 * @property {(subscription: Subscription) => void | Promise<void>} [onSnapshot]  begin with its
 *   `state`, which may be null: what was before is not all
 * @property {(subscription: Subscription) => void} [onJoined]  at each connection: what is said from
 *   now on comes. Signals of before were missed
 * @property {(error: ChatError | null, subscription: Subscription) => void} [onEnd]  null: was closed
 *
 * @typedef {object} Wire  what a subscription asks of its connection
 * @property {(subscription: Subscription) => void} ask  subscribe it, if there is one
 * @property {(subscription: Subscription, forget: boolean) => void} leave  `forget`: for good
 */

/**
 * An asynchronous iterator of messages, or calls `onMessage`. `ready` settles with the first answer.
 * `state` is the topic's as of the last snapshot; `complete` is what the server said with it;
 * `position` is where to go on another time: after the last message that was taken out; `gaps` is how
 * often something was missed.
 *
 * @implements {AsyncIterableIterator<Message>}
 */
export class Subscription {
  /** @type {any} */
  state = null;
  /** @type {boolean | null} */
  complete = null;
  /** @type {Position | null} */
  position = null;
  gaps = 0;
  /** @type {Promise<Subscription>} */
  ready;
  /** @internal @type {"off" | "asked" | "on" | "behind"} how the server of the newest connection sees it */
  standing = "off";
  /** @type {Since} */
  #since; // of what has come in, not of what was taken out
  /** @type {(Said | Snapshot)[]} */
  #items = [];
  /** @type {(() => void)[]} */
  #waiting = [];
  /** @type {ChatError | null} */
  #problem = null;
  #reader;
  #wire;
  #size;
  /** @type {(problem: ChatError | null) => void} */
  #answered = () => {};

  /** @param {string} topic @param {Reader} reader @param {Wire} wire @param {number} size */
  constructor(topic, reader, wire, size) {
    this.topic = topic;
    this.#since = reader.since ?? null;
    if (isPosition(this.#since)) this.position = this.#since = place(this.#since);
    this.#reader = reader;
    this.#wire = wire;
    this.#size = size;
    this.ready = new Promise((resolve, reject) => {
      this.#answered = (problem) => (problem ? reject(problem) : resolve(this));
    });
    this.ready.catch(() => {}); // whoever reads is told, too
  }

  // For the reader

  /** Ends it: the iterator gives what has come in, and stops. */
  close() {
    if (this.#problem) return;
    this.end(new ChatError("closed", `subscription ${this.topic}: closed`));
    this.#wire.leave(this, true);
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<Message, undefined>>} */
  async next() {
    for (;;) {
      const item = this.#items.shift();
      if (item) {
        this.#noteRoom();
        if ("message" in item) return { value: this.#passed(item.message), done: false };
        await this.#began(item);
      } else if (!this.#problem) {
        await new Promise((/** @type {(nothing?: any) => void} */ wake) => this.#waiting.push(wake));
      } else if (this.#problem.code === "closed") {
        return { value: undefined, done: true };
      } else {
        throw this.#problem;
      }
    }
  }

  /** Leaving a loop over it closes it. @returns {Promise<IteratorResult<Message, undefined>>} */
  async return() {
    this.close();
    return { value: undefined, done: true };
  }

  /** @param {Message} message */
  #passed(message) {
    this.position = place(message);
    return message;
  }

  /** @param {Snapshot} snapshot */
  #began({ state, position, hole }) {
    this.state = state;
    this.complete = false;
    this.position = position ?? this.position;
    this.gaps += Number(hole);
    return tell(this.#reader.onSnapshot, this);
  }

  #noteRoom() {
    if (this.standing === "behind" && this.#items.length * 2 <= this.#size) {
      this.standing = "off";
      this.#wire.ask(this);
    }
  }

  // For the connection

  /** @internal */
  get ended() {
    return this.#problem !== null;
  }

  /** @internal It goes on from somewhere: a message of its topic is its own, now or later. */
  get resumes() {
    return isPosition(this.#since);
  }

  /** @internal What a subscribe says of it. */
  get body() {
    return this.#since === null ? { topic: this.topic } : { topic: this.topic, since: this.#since };
  }

  /** @internal The server has answered; what it was asked to send follows. @param {import("./types.js").Joined} ok */
  joined(ok) {
    this.standing = "on";
    const since = this.#since;
    const mark = place(ok);
    if (this.complete === null || since === "start") {
      this.state = ok.state;
      this.complete = ok.complete;
      if (since === null) this.position = mark;
    }
    this.#answered(null);
    tell(this.#reader.onJoined, this);
    if (ok.complete) return;
    if (since !== "start") this.#since = mark;
    let hole = isPosition(since);
    const last = this.#items.at(-1);
    if (last && !("message" in last)) {
      this.#items.pop(); // it was not seen yet, and the new one says more
      hole ||= last.hole;
    }
    this.#take({ state: ok.state, position: since === "start" ? null : mark, hole });
  }

  /** @internal Takes what came, unless it is there already; false where there is no room. @param {Message} message */
  push(message) {
    if (isPosition(this.#since) && message.offset <= this.#since.offset) return true;
    if (this.#items.length >= this.#size) return false;
    this.#since = place(message);
    this.#take({ message });
    return true;
  }

  /** @internal The reader gets what has come in, and ends with this. @param {ChatError} problem */
  end(problem) {
    if (this.#problem) return;
    this.#problem = problem;
    this.standing = "off";
    this.#answered(problem);
    this.#wake();
    tell(this.#reader.onEnd, problem.code === "closed" ? null : problem, this);
  }

  /** @param {Said | Snapshot} item */
  #take(item) {
    const { onMessage } = this.#reader;
    if (!onMessage) {
      this.#items.push(item);
      this.#wake();
    } else if ("message" in item) {
      tell(onMessage, this.#passed(item.message), this);
    } else {
      this.#began(item);
    }
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** @param {Since} since @returns {since is Position} */
function isPosition(since) {
  return typeof since === "object" && since !== null;
}

/** @param {Position} there @returns {Position} */
function place({ epoch, offset }) {
  return { epoch, offset };
}
