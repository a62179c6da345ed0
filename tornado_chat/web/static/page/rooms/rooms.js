// @ts-check
/** The rooms that one is in, newest first, with what is unread. Event `change`. */
export class Rooms extends EventTarget {
  unread = 0;

  /** @param {import("../../client/chat.js").Chat} chat @param {import("../../client/types.js").User} user */
  constructor(chat, user) {
    super();
    this.chat = chat;
    this.user = user;
  }

  /** Reads them anew: at the start, and where something was missed. */
  async load() {}

  /** A message of one of them. @param {import("../../client/types.js").Message} message */
  take(message) {
    void message;
  }

  /** A signal. @param {import("../../client/types.js").Signal} signal */
  hear(signal) {
    void signal;
  }
}
