// @ts-check
/** The notifications of a person, newest first, and which he has seen. Event `change`. */
export class Notes extends EventTarget {
  unviewed = 0;

  /** @param {import("../../client/chat.js").Chat} chat @param {import("../../client/types.js").User} user */
  constructor(chat, user) {
    super();
    this.chat = chat;
    this.user = user;
  }

  /** Reads them anew: at the start, and where something was missed. */
  async load() {}

  /** A notification. @param {import("../../client/types.js").Message} message */
  take(message) {
    void message;
  }

  /** A signal. @param {import("../../client/types.js").Signal} signal */
  hear(signal) {
    void signal;
  }
}
