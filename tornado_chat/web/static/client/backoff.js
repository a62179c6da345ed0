// @ts-check
/**
 * How long to stay away, in ms: full jitter, so that a crowd does not come back as one. The n-th
 * pause in a row is anywhere between 0 and base times 2 to the n, at most `cap`; a connection that
 * has lasted for `stable` begins the row anew.
 */
export class Backoff {
  #row = 0;
  #base;
  #cap;
  #stable;
  #random;

  constructor({ base = 500, cap = 30_000, stable = 10_000, random = Math.random } = {}) {
    this.#base = base;
    this.#cap = cap;
    this.#stable = stable;
    this.#random = random;
  }

  /** A connection has ended after so long. @param {number} ms */
  lasted(ms) {
    if (ms >= this.#stable) this.#row = 0;
  }

  /**
   * `window`: what the server asked for, which goes before our own idea. It counts in the row all
   * the same: a server that is not back when it said is not hurried.
   *
   * @param {[number, number]} [window]
   */
  pause(window) {
    const [from, to] = window ?? [0, Math.min(this.#cap, this.#base * 2 ** Math.min(this.#row, 32))];
    this.#row += 1;
    return from + this.#random() * (to - from);
  }
}
