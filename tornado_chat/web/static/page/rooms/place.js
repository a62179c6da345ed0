// @ts-check
import { View } from "../dom.js";
import { t } from "../words.js";

/** `#/rooms/…` */
export class RoomsPlace extends View {
  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.session = session;
  }

  open() {
    this.show(t("app.nothing"));
  }

  /** Where one is in it. @param {string[]} path  after its own name */
  go(path) {
    void path;
  }
}

customElements.define("chat-rooms", RoomsPlace);
export default RoomsPlace;
