// @ts-check
const PASSING = ["unavailable", "internal", "rate_limited"];

/**
 * What went wrong. `code` is one of the server's words for errors, or `closed` where the client was
 * closed before, or `queue_full`; `message` is for people; `status` is that of HTTP, if it was asked.
 */
export class ChatError extends Error {
  /** @param {string} code @param {string} message @param {number} [status] */
  constructor(code, message, status) {
    super(message);
    this.name = "ChatError";
    this.code = code;
    this.status = status;
  }

  /** Asked again, it may go well. */
  get passing() {
    return PASSING.includes(this.code);
  }
}

/**
 * Calls what the program gave. What it throws is reported as uncaught, and harms nothing here.
 *
 * @template {any[]} A @template R
 * @param {((...given: A) => R) | undefined} callback @param {A} given @returns {R | undefined}
 */
export function tell(callback, ...given) {
  try {
    return callback?.(...given);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
