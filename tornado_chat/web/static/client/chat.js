// @ts-check
/** The native client: one object over all the connections of its life. */
import { Backoff } from "./backoff.js";
import { ChatError } from "./errors.js";
import { address, Link } from "./link.js";
import { Outgoing } from "./outgoing.js";
import { newKey, Publication } from "./publication.js";
import { Rest } from "./rest.js";
import { Subscriptions } from "./subscriptions.js";

/**
 * @typedef {import("./types.js").Data} Data
 * @typedef {import("./types.js").Hello} Hello
 * @typedef {import("./types.js").Key} Key
 * @typedef {import("./types.js").Page} Page
 * @typedef {import("./types.js").Seen} Seen
 * @typedef {import("./types.js").Signal} Signal
 * @typedef {import("./types.js").State} State
 *
 * @typedef {object} Options  times in ms
 * @property {number} [queue]  how many publishes may wait for their answer
 * @property {number} [buffer]  how many messages are kept for one reader that iterates
 * @property {number} [backoffBase]
 * @property {number} [backoffCap]
 * @property {number} [openTimeout]
 * @property {number} [pingInterval]
 * @property {number} [pingTimeout]
 * @property {any} [WebSocket]  a class like that of browsers, where there is none
 * @property {typeof globalThis.fetch} [fetch]
 */

/** What a `Chat` tells: `state`, whose detail is the state, and `signal`. @template T */
export class ChatEvent extends Event {
  /** @param {string} type @param {T} detail */
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

/**
 * What `connect` gives. It comes back by itself, until it is closed or its key is refused; then
 * `error` says why, and whatever is asked fails with that.
 */
export class Chat extends EventTarget {
  /** @type {State} */
  state = "connecting";
  /** @type {Date | null} when it is tried again, while it waits */
  nextTry = null;
  /** @type {ChatError | null} why there is no connection; null while there is one */
  error = null;
  /** @type {Hello | null} of the newest connection */
  hello = null;
  /** @type {Promise<Hello>} settles with the first connection, however many attempts that takes */
  opened;
  /** @type {Set<Publication>} */
  #unsent = new Set();
  /** @type {Link | null} */
  #link = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #openedAt = 0;
  #bidden = false; // the pause is what the server asked for
  #leaving = new AbortController();
  #address;
  #key;
  #manners;
  #backoff;
  #outgoing;
  #subscriptions;
  /** @type {(problem: ChatError | null) => void} */
  #settle = () => {};

  /** @param {string | URL} url @param {Key} key @param {Options} options */
  constructor(url, key, options) {
    super();
    const { queue = 1000, buffer = 1000, backoffBase: base, backoffCap: cap, fetch } = options;
    const { openTimeout = 10_000, pingInterval = 20_000, pingTimeout = 10_000 } = options;
    const { WebSocket = globalThis.WebSocket } = options;
    if (!WebSocket) throw new TypeError("there is no WebSocket here: connect(…, { WebSocket })");
    this.#address = address(url, "ws", "/ws");
    this.#key = key;
    this.#manners = { WebSocket, openTimeout, pingInterval, pingTimeout };
    this.#backoff = new Backoff({ base, cap });
    this.#outgoing = new Outgoing(queue);
    this.#subscriptions = new Subscriptions(this.#outgoing, buffer);
    this.rest = new Rest(url, key, { fetch });
    this.opened = new Promise((resolve, reject) => {
      this.#settle = (problem) =>
        problem ? reject(problem) : resolve(/** @type {Hello} */ (this.hello));
    });
    this.opened.catch(() => {}); // it stands in `error`
    this.#watch();
    this.#connect();
  }

  // What one asks of it

  /**
   * The messages of a topic, or of `mine`, across connections. Each topic once: throws for the second.
   *
   * @param {string} topic @param {import("./subscription.js").Reader} [reader]
   */
  subscribe(topic, reader = {}) {
    return this.#subscriptions.add(topic, reader);
  }

  /**
   * Sends a message, over as many connections as it takes; without one it waits its turn.
   *
   * @param {string} topic @param {Data} data
   * @param {{key?: string}} [options]  by the same key a second attempt is no second message
   */
  publish(topic, data, { key = newKey() } = {}) {
    return new Publication(topic, data, key, (publication, answered) => {
      this.#outgoing.put("publish", { topic, key, data }, (problem, ok) => {
        if (this.state !== "closed") this.#unsent.delete(publication); // else nobody has answered
        answered(problem, ok);
      });
      this.#unsent.add(publication);
    });
  }

  /** Publications that the server has not answered, in their order; also once it is closed. */
  get unsent() {
    return [...this.#unsent];
  }

  /**
   * Messages before or after an offset, or the newest; waits for a connection.
   *
   * @param {string} topic @param {{before?: number, after?: number, limit?: number}} [page]
   * @returns {Promise<Page>}
   */
  history(topic, { before, after, limit = 50 } = {}) {
    return this.#outgoing.ask("history", { topic, before, after, limit });
  }

  /**
   * One has read up to there; never goes back. Waits for a connection.
   *
   * @param {string} topic @param {number} offset @returns {Promise<Seen>}
   */
  seen(topic, offset) {
    return this.#outgoing.ask("seen", { topic, offset });
  }

  /**
   * To those who listen now. Tried once: `unavailable` where there is no connection. What others say
   * comes as the event `signal`.
   *
   * @param {string} topic @param {string} name @param {Data} [data] @returns {Promise<{topic: string}>}
   */
  signal(topic, name, data = {}) {
    return this.#outgoing.ask("signal", { topic, name, data }, false);
  }

  /** Tries now, instead of at `nextTry`. */
  reconnect() {
    if (this.state === "waiting") this.#connect();
  }

  /** Ends it. What has no answer fails with `closed`, iterators stop. */
  close() {
    this.#end(new ChatError("closed", "the client is closed"));
  }

  // One connection after another

  async #connect() {
    clearTimeout(this.#timer);
    this.nextTry = null;
    this.#become("connecting");
    try {
      const key = typeof this.#key === "function" ? await this.#key() : this.#key;
      if (this.state !== "connecting") return; // closed meanwhile
      if (!key) this.#end(new ChatError("unauthorized", "there is no key"));
      else this.#link = new Link(this.#address, key, this.#manners, this.#hooks());
    } catch (problem) {
      if (problem instanceof ChatError && problem.code === "unauthorized") this.#end(problem);
      else this.#lost(String(problem));
    }
  }

  /** @returns {import("./link.js").Hooks} */
  #hooks() {
    return {
      open: (hello) => this.#open(hello),
      frame: (frame) => this.#take(frame),
      lost: (reason, window) => this.#lost(reason, window),
      refused: (problem) => this.#end(problem),
    };
  }

  /** @param {Hello} hello */
  #open(hello) {
    this.#openedAt = performance.now();
    this.hello = hello;
    this.error = null;
    this.#outgoing.opened((text) => this.#link?.send(text), hello.limits?.frame_bytes ?? 0);
    this.#subscriptions.opened();
    this.#settle(null);
    this.#become("open");
  }

  /** @param {any} frame */
  #take(frame) {
    if (frame.push) this.#subscriptions.push(frame.push);
    else if (frame.signal) this.dispatchEvent(new ChatEvent("signal", frame.signal));
    else if (frame.id != null) this.#outgoing.answer(frame);
    else if (frame.error) this.#subscriptions.endedByHouse(frame);
  }

  /** @param {string} reason @param {[number, number]} [window] */
  #lost(reason, window) {
    if (this.state === "closed") return;
    if (this.state === "open") this.#backoff.lasted(performance.now() - this.#openedAt);
    const pause = this.#backoff.pause(window);
    this.#link = null;
    this.#bidden = window !== undefined;
    this.#timer = setTimeout(() => this.#connect(), pause);
    this.nextTry = new Date(Date.now() + pause);
    this.error = new ChatError("unavailable", reason);
    this.#outgoing.lost("the connection ended");
    this.#become("waiting");
  }

  /** @param {ChatError} problem */
  #end(problem) {
    if (this.state === "closed") return;
    clearTimeout(this.#timer);
    this.#leaving.abort();
    this.#link?.close();
    this.#link = null;
    this.nextTry = null;
    this.error = problem;
    this.state = "closed"; // before anybody is told, so that whoever asks now is refused
    this.#settle(problem);
    this.#outgoing.end(problem);
    this.#subscriptions.end(problem);
    this.dispatchEvent(new ChatEvent("state", this.state));
  }

  /** @param {State} state */
  #become(state) {
    this.state = state;
    this.dispatchEvent(new ChatEvent("state", state));
  }

  /** A browser tells that the network has changed, or that somebody looks again. */
  #watch() {
    const { signal } = this.#leaving;
    const look = () => {
      const hidden = globalThis.document?.visibilityState === "hidden";
      if (this.state === "waiting" && !this.#bidden && !hidden) this.#connect();
      this.#link?.probe();
    };
    globalThis.addEventListener?.("online", look, { signal });
    globalThis.addEventListener?.("offline", () => this.#link?.probe(), { signal });
    globalThis.document?.addEventListener("visibilitychange", look, { signal });
  }
}

/**
 * A client of the server at `url`: `location.origin`, or another http, https, ws or wss; `/ws` is
 * added. The key goes over the wire in a frame, never in an address. A function is asked for it
 * before each connection.
 *
 * @param {string | URL} url @param {Key} key @param {Options} [options]
 */
export function connect(url, key, options = {}) {
  return new Chat(url, key, options);
}
