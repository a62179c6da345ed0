// @ts-check
/** Which notifications ask for attention now: a few at a time, and how many more there are. */

/**
 * @typedef {import("./notes.js").Note} Note
 * @typedef {import("./notes.js").Notes} Notes
 */

const PATIENT = 100; // how many may wait that stay until they are closed

/**
 * One asks that was sent as an alert, or that is listed nowhere: nobody would ever see it. Those that
 * stay until they are closed wait for their turn; of the others that come while all places are taken
 * only the number is told. Event `change`.
 */
export class Alerts extends EventTarget {
  /** @type {Note[]} oldest first */
  shown = [];
  /** @type {Note[]} */
  #waiting = [];
  #untold = 0;
  #notes;
  #places;

  /** @param {Notes} notes @param {() => number} places  how many are shown at once */
  constructor(notes, places) {
    super();
    this.#notes = notes;
    this.#places = places;
  }

  /** How many more there are. */
  get more() {
    return this.#untold + this.#waiting.length;
  }

  /** A notification has come. @param {Note} note */
  take(note) {
    if ((!note.show_alert && note.persist) || this.#notes.muted(note.topic)) return;
    if (this.shown.length < this.#places()) this.shown.push(note);
    else if (note.alert_no_auto_hide && this.#waiting.length < PATIENT) this.#waiting.push(note);
    else this.#untold += 1;
    this.#changed();
  }

  /** It is shown no longer. @param {Note} note */
  close(note) {
    this.#keep((each) => each !== note);
  }

  /** They have been seen, here or elsewhere. @param {string[] | null} ids  null: all that are listed */
  seen(ids) {
    this.#keep(({ id, persist }) => !persist || (ids !== null && !ids.includes(id)));
  }

  /** Nobody asked for the others. */
  forget() {
    this.#untold = 0;
    this.#changed();
  }

  /** @param {(note: Note) => boolean} stays */
  #keep(stays) {
    this.#waiting = this.#waiting.filter(stays);
    this.shown = this.shown.filter(stays);
    const free = Math.max(0, this.#places() - this.shown.length);
    this.shown.push(...this.#waiting.splice(0, free));
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
