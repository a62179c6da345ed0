// @ts-check
/** All the subscriptions of a client: what is asked for them, and whose a message is. */
import { ChatError } from "./errors.js";
import { Subscription } from "./subscription.js";

const MINE = "mine";
const AGAIN_MS = 1000; // until it is asked again, and up to three times as long

/**
 * @typedef {import("./outgoing.js").Outgoing} Outgoing
 * @typedef {import("./types.js").Message} Message
 */
export class Subscriptions {
  /** @type {Map<string, Subscription>} */
  #all = new Map();
  /** @type {ChatError | null} */
  #problem = null;
  #outgoing;
  #size;

  /** @param {Outgoing} outgoing @param {number} size */
  constructor(outgoing, size) {
    this.#outgoing = outgoing;
    this.#size = size;
  }

  /** A new one. An Error where the topic has one. @param {string} topic @param {import("./subscription.js").Reader} reader */
  add(topic, reader) {
    if (this.#all.has(topic)) throw new Error(`${topic}: subscribed already`);
    const added = new Subscription(topic, reader, this, this.#size);
    if (this.#problem) {
      added.end(this.#problem);
    } else {
      this.#all.set(topic, added);
      this.ask(added);
    }
    return added;
  }

  // What the connection tells

  opened() {
    for (const each of this.#all.values()) this.ask(each);
  }

  /** @param {ChatError} problem */
  end(problem) {
    this.#problem = problem;
    for (const each of [...this.#all.values()]) this.#drop(each, problem);
  }

  /** A topic that is subscribed by name comes by its name, all else is of `mine`. @param {Message} message */
  push(message) {
    let found = this.#all.get(message.topic);
    if (!found || (found.standing !== "on" && !found.resumes)) found = this.#all.get(MINE);
    if (found?.standing === "on" && !found.push(message)) {
      found.standing = "behind"; // what comes is not for it any more, until there is room
      this.leave(found, false);
    }
  }

  /**
   * An error that answers no command. `conflict`: it fell behind what is kept, and learns what is left
   * by asking again; anything else is the end of that subscription.
   *
   * @param {{topic?: string, error: {code: string, message: string}}} frame
   */
  endedByHouse({ topic = "", error }) {
    const found = this.#all.get(topic);
    if (!found) return;
    if (error.code !== "conflict") this.#drop(found, new ChatError(error.code, error.message));
    else if (found.standing === "on") this.ask(found); // else it is about to ask, or has asked
  }

  // What a subscription asks

  /** From where it is, once there is a connection. @param {Subscription} subscription */
  ask(subscription) {
    if (!this.#outgoing.connected || subscription.ended) return;
    subscription.standing = "asked";
    this.#outgoing.put(
      "subscribe",
      subscription.body,
      (problem, ok) => {
        if (subscription.ended) return;
        if (problem) this.#refused(subscription, /** @type {ChatError} */ (problem));
        else subscription.joined(ok);
      },
      false,
    );
  }

  /** @param {Subscription} subscription @param {boolean} forget  its topic may be subscribed anew */
  leave(subscription, forget) {
    const { topic } = subscription;
    if (forget && this.#all.get(topic) === subscription) this.#all.delete(topic);
    if (this.#outgoing.connected) this.#outgoing.put("unsubscribe", { topic }, () => {}, false);
  }

  /** @param {Subscription} subscription @param {ChatError} problem */
  #refused(subscription, problem) {
    subscription.standing = "off";
    if (!this.#outgoing.connected) return;
    if (subscription.complete === null || !problem.passing) {
      this.#drop(subscription, problem);
    } else {
      const again = () => subscription.standing === "off" && this.ask(subscription);
      setTimeout(again, AGAIN_MS * (1 + 2 * Math.random()));
    }
  }

  /** @param {Subscription} subscription @param {ChatError} problem */
  #drop(subscription, problem) {
    subscription.end(problem);
    if (this.#all.get(subscription.topic) === subscription) this.#all.delete(subscription.topic);
  }
}
