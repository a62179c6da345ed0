// @ts-check
/** <chat-admin-topics>: on what something was published. */
import { moment } from "./cells.js";
import { List } from "./list.js";

export class Topics extends List {
  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super(
      session,
      "topics",
      [
        { name: "topic", show: ({ topic }) => topic },
        { name: "listeners", show: ({ listeners }) => listeners, number: true },
        { name: "messages", show: ({ messages }) => messages, number: true },
        moment("last_at"),
      ],
      ({ topic }) => topic,
      { search: true },
    );
  }
}

customElements.define("chat-admin-topics", Topics);
