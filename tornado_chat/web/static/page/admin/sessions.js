// @ts-check
/** <chat-admin-sessions>: who is connected, and from where. */
import { ask } from "../dialog.js";
import { el } from "../dom.js";
import { t } from "../words.js";
import { button, mark, moment, person } from "./cells.js";
import { List } from "./list.js";

/**
 * @typedef {{id: string, user_id: string, name: string, dialect: string, since: string, address: string,
 *   subscriptions: number, behind: boolean, waiting_bytes: number}} Socket
 */

export class Sessions extends List {
  /** @param {import("../session.js").Session} session */
  constructor(session) {
    const end = (/** @type {Socket} */ row) => this.#end(row);
    super(
      session,
      "sessions",
      [
        { name: "person", show: person, of: ({ name }) => name },
        { name: "address", show: ({ address }) => address },
        { name: "socket", show: ({ dialect }) => dialect },
        moment("since"),
        { name: "subscriptions", show: ({ subscriptions }) => subscriptions, number: true },
        { name: "waiting", show: waiting, of: ({ behind, waiting_bytes: bytes }) => behind || bytes },
        {
          name: "",
          show: (row) => button(t("admin.end"), () => end(row), t("admin.end.of", { name: row.name })),
          of: ({ name }) => name,
        },
      ],
      ({ id }) => id,
    );
  }

  /** @param {Socket} socket */
  async #end({ id, name }) {
    const question = {
      title: t("admin.end.of", { name }),
      action: t("admin.end"),
      danger: true,
      send: () => this.session.rest.delete(`/admin/sessions/${id}`),
    };
    if (await ask(question, el("p", {}, t("admin.end.sure")))) this.read();
  }
}

/** @param {Socket} socket */
function waiting({ behind, waiting_bytes: count }) {
  if (behind) return mark("warn", t("admin.behind"));
  return count ? t("admin.bytes", { count }) : "–";
}

customElements.define("chat-admin-sessions", Sessions);
