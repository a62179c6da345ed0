// @ts-check
/** <chat-notes>: `#/notes` and `#/notes/preferences`. */
import { focusHeading, View } from "../dom.js";
import { NoteList } from "./centre.js";
import { NotePreferences } from "./preferences.js";

export class NotesPlace extends View {
  #session;
  /** @type {string | undefined | null} */
  #part = null;

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.#session = session;
  }

  /** Where one is in it. @param {string[]} path  after its own name */
  go([part]) {
    if (part === this.#part) return;
    const moved = this.#part !== null; // within this view
    this.#part = part;
    if (part === "preferences") this.show(new NotePreferences(this.#session.notes));
    else this.show(new NoteList(this.#session));
    if (moved) focusHeading(this);
  }
}

customElements.define("chat-notes", NotesPlace);
export default NotesPlace;
