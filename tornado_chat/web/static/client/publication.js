// @ts-check
/** One message on its way. */
import { ChatError } from "./errors.js";

/**
 * @typedef {import("./types.js").Data} Data
 * @typedef {import("./types.js").Sent} Sent
 * @typedef {import("./outgoing.js").Answered} Answered
 */

/**
 * What `publish` gives. `state` is `sending`, also while it waits for a connection; then `stored`,
 * with what the server said in `sent`; or `failed`, with why in `error`. The event `change` tells of
 * each. A failed one may be there or not: to `retry()`, with the same key, is safe.
 */
export class Publication extends EventTarget {
  /** @type {"sending" | "stored" | "failed"} */
  state = "sending";
  /** @type {Error | null} */
  error = null;
  /** @type {Sent | null} */
  sent = null;
  /** @type {Promise<Sent>} Settles with the state; nobody needs to watch it. A retry has another. */
  stored;
  #put;

  /**
   * @param {string} topic @param {Data} data @param {string} key
   * @param {(publication: Publication, answered: Answered) => void} put
   */
  constructor(topic, data, key, put) {
    super();
    this.topic = topic;
    this.data = data;
    this.key = key;
    this.#put = put;
    this.stored = this.#go();
  }

  /** Sends it again, if it has failed. */
  retry() {
    if (this.state === "failed") {
      this.stored = this.#go();
      this.#become("sending", null);
    }
    return this.stored;
  }

  #go() {
    /** @type {Promise<Sent>} */
    const going = new Promise((resolve, reject) => {
      /** @type {Answered} */
      const answered = (problem, ok) => {
        this.sent = problem ? null : ok;
        this.#become(problem ? "failed" : "stored", problem);
        if (problem) reject(problem);
        else resolve(ok);
      };
      try {
        this.#put(this, answered);
      } catch (problem) {
        answered(/** @type {Error} */ (problem));
      }
    });
    going.catch(() => {}); // it stands in `state`
    return going;
  }

  /** @param {"sending" | "stored" | "failed"} state @param {Error | null} error */
  #become(state, error) {
    this.state = state;
    this.error = error;
    this.dispatchEvent(new Event("change"));
  }
}

/** Names a message among those of one person: it is to be unique, not secret. */
export function newKey() {
  return [Date.now(), Math.random(), Math.random()]
    .map((each) => each.toString(36).replace("0.", ""))
    .join("-");
}
