// @ts-check
/** Who of a room is here, and who is writing. Neither is kept anywhere. */

const SAY_MS = 3000; // between two words that one is writing
const WRITES_MS = 5000; // how long such a word is good

/** The conversation tells `change` of it. */
export class Presence {
  /** @type {Set<string>} user ids, oneself too */
  here = new Set();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #writing = new Map();
  #saidAt = -Infinity;
  #conversation;

  /** @param {import("./conversation.js").Conversation} conversation @param {AbortSignal} signal  its end */
  constructor(conversation, signal) {
    this.#conversation = conversation;
    const { chat } = conversation;
    chat.addEventListener("signal", (event) => this.#hear(/** @type {any} */ (event).detail), { signal });
    signal.addEventListener("abort", () => this.#writing.forEach((timer) => clearTimeout(timer)));
  }

  /** @type {string[]} user ids of others */
  get writing() {
    return [...this.#writing.keys()];
  }

  /** One is writing. */
  write() {
    const { chat, topic } = this.#conversation;
    if (chat.state !== "open" || performance.now() - this.#saidAt < SAY_MS) return;
    this.#saidAt = performance.now();
    chat.signal(topic, "typing").catch(() => {}); // that it was so is of no use later
  }

  /** A message of his came. @param {string | null} sender */
  said(sender) {
    if (sender !== null) this.#stop(sender);
  }

  /** @param {import("../../client/types.js").Signal} signal */
  #hear({ topic, name, sender, data }) {
    if (topic !== this.#conversation.topic) return;
    if (name === "here" && sender === null) {
      if (data.here) this.here.add(data.user_id);
      else this.here.delete(data.user_id);
      this.#changed();
    } else if (name === "typing" && sender && sender !== this.#conversation.rooms.user.user_id) {
      clearTimeout(this.#writing.get(sender));
      this.#writing.set(sender, setTimeout(() => this.#stop(sender), WRITES_MS));
      this.#changed();
    }
  }

  /** @param {string} user */
  #stop(user) {
    clearTimeout(this.#writing.get(user));
    if (this.#writing.delete(user)) this.#changed();
  }

  /** Asks who is here; who comes and goes then is heard. */
  async look() {
    const { rooms, id } = this.#conversation;
    const { here } = await rooms.rest.here(id).catch(() => ({ here: [] }));
    this.here = new Set(here);
    this.#changed();
  }

  #changed() {
    this.#conversation.dispatchEvent(new Event("change"));
  }
}
