// @ts-check
/**
 * What the client has asked and not yet heard the answer of; kept while there is no connection.
 *
 * 1. Publishes go out in the order they were given, and after a lost connection again in that order:
 *    those that were not answered first, as they were, so that their keys make one message of two.
 * 2. Whatever was asked once only (a subscribe, a signal) ends with its connection.
 * 3. What is put within one turn goes out together, publishes last.
 * 4. No more than WINDOW commands are unanswered on the wire: a slow server is not buried.
 * 5. At most `size` publishes wait; the next one is refused, nothing is forgotten.
 * 6. An answer is handed over in the turn in which its frame is read: what follows it may need it.
 */
import { ChatError } from "./errors.js";

const WINDOW = 64;
const ENVELOPE_BYTES = 4096; // what a frame may hold beside the data of its message

/**
 * @typedef {(problem: Error | null, ok?: any) => void} Answered
 * @typedef {object} Command
 * @property {number} id
 * @property {string} do
 * @property {string} text
 * @property {Answered} answered
 * @property {boolean} again  asked anew on the next connection until it is answered
 */
export class Outgoing {
  #size;
  /** @type {Command[]} */
  #first = [];
  /** @type {Command[]} */
  #publishes = [];
  /** @type {Map<number, Command>} */
  #open = new Map(); // on the wire, by id
  #lastId = 0;
  #frameBytes = 0;
  /** @type {((text: string) => void) | null} */
  #send = null;
  /** @type {ChatError | null} */
  #problem = null;

  /** @param {number} size */
  constructor(size) {
    this.#size = size;
  }

  get connected() {
    return this.#send !== null;
  }

  /** Publishes without an answer. */
  get waiting() {
    return this.#publishes.length + [...this.#open.values()].filter(isPublish).length;
  }

  /**
   * Takes a command. Throws what has ended the client, `queue_full`, a TypeError for what is no
   * JSON, and `unavailable` for what is asked once only and has no connection.
   *
   * @param {string} command @param {object} body @param {Answered} answered
   */
  put(command, body, answered, again = true) {
    if (this.#problem) throw this.#problem;
    if (!again && !this.connected) throw new ChatError("unavailable", `${command}: not connected`);
    const id = (this.#lastId += 1);
    const text = JSON.stringify({ id, do: command, ...body });
    const put = { id, do: command, text, answered, again };
    if (!isPublish(put)) this.#first.push(put);
    else if (this.waiting < this.#size) this.#publishes.push(put);
    else throw new ChatError("queue_full", `publish: ${this.#size} messages wait already`);
    this.#wake();
  }

  /** @param {string} command @param {object} body @returns {Promise<any>} what is answered */
  ask(command, body, again = true) {
    return new Promise((resolve, reject) => {
      const answered = (/** @type {Error | null} */ problem, /** @type {any} */ ok) =>
        problem ? reject(problem) : resolve(ok);
      this.put(command, body, answered, again);
    });
  }

  // For the connection

  /** There is one. @param {(text: string) => void} send @param {number} frameBytes  0: no limit */
  opened(send, frameBytes) {
    this.#send = send;
    this.#frameBytes = frameBytes;
    this.#wake();
  }

  /** A reply has come. @param {any} frame */
  answer({ id, ok, error }) {
    const command = this.#open.get(id);
    if (command) this.#settle(command, error ? new ChatError(error.code, error.message) : null, ok);
  }

  /** It has ended: what may be asked again goes back in line, in order. @param {string} reason */
  lost(reason) {
    this.#send = null;
    const all = [...this.#open.values(), ...this.#first, ...this.#publishes];
    this.#open.clear();
    this.#first = all.filter((each) => each.again && !isPublish(each));
    this.#publishes = all.filter((each) => each.again && isPublish(each));
    for (const { again, do: command, answered } of all) {
      if (!again) answered(new ChatError("unavailable", `${command}: ${reason}`));
    }
  }

  /** Nothing goes out any more; all that waits is told, and all that comes. @param {ChatError} problem */
  end(problem) {
    this.#problem = problem;
    this.lost(problem.message);
    const all = [...this.#first, ...this.#publishes];
    this.#first = this.#publishes = [];
    for (const { answered } of all) answered(problem);
  }

  #wake() {
    queueMicrotask(() => this.#flush());
  }

  #flush() {
    while (this.#send && this.#open.size < WINDOW) {
      const command = this.#first.shift() ?? this.#publishes.shift();
      if (!command) return;
      this.#open.set(command.id, command);
      const size = this.#tooLong(command.text);
      // the server would say so too, or end the connection and be sent it again
      if (size) this.#settle(command, new ChatError("too_large", `${command.do}: frame of ${size}`));
      else this.#send(command.text);
    }
  }

  /** @param {string} text */
  #tooLong(text) {
    const most = this.#frameBytes && this.#frameBytes + ENVELOPE_BYTES;
    if (!most || text.length * 3 <= most) return ""; // at most 3 bytes each, as UTF-8
    const size = new TextEncoder().encode(text).length;
    return size > most ? `${size} bytes, ${this.#frameBytes} are allowed` : "";
  }

  /** @param {Command} command @param {Error | null} problem @param {any} [ok] */
  #settle(command, problem, ok) {
    this.#open.delete(command.id);
    this.#wake();
    command.answered(problem, ok);
  }
}

/** @param {Command} command */
function isPublish(command) {
  return command.do === "publish";
}
