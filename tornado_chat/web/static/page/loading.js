// @ts-check
/** What takes its time, and what to say where it fails. */
import { ChatError } from "../client.js";
import { el, View } from "./dom.js";
import { has, t } from "./words.js";

const SOON_MS = 300; // until then nobody needs to be told to wait

/**
 * Why something failed: in words of ours, or what the server has against it. A mistake of ours is
 * reported, too.
 *
 * @param {unknown} problem
 */
export function because(problem) {
  if (!(problem instanceof ChatError)) reportError(problem);
  const { code = "internal", message = "" } = /** @type {Partial<ChatError>} */ (problem);
  if (has(`error.${code}`)) return t(`error.${code}`);
  return message.replace(/^./, (first) => first.toUpperCase());
}

/** "…", with a button where it can be tried again. @param {unknown} problem @param {() => void} [again] */
export function failure(problem, again) {
  return el(
    "div",
    { class: "failure", role: "alert" },
    el("p", {}, because(problem)),
    again && el("button", { type: "button", on: { click: again } }, t("app.again")),
  );
}

/**
 * What a form does when it is sent: once at a time; where it fails, that is said in `said`.
 *
 * @param {Element} said @param {(form: HTMLFormElement) => unknown} send  may take its time
 */
export function sending(said, send) {
  return async (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    if (form.ariaBusy === "true") return; // Enter, once more
    form.ariaBusy = "true";
    said.replaceChildren();
    try {
      await send(form);
    } catch (problem) {
      said.replaceChildren(failure(problem));
    } finally {
      form.ariaBusy = "false";
    }
  };
}

/**
 * <chat-loading>: stands where something comes, and gives way to it.
 *
 * @template {Node} N
 */
export class Loading extends View {
  #load;
  #arrived;

  /**
   * @param {(gone: AbortSignal) => Promise<N>} load
   * @param {(found: N) => void} [arrived]  it is on the page
   */
  constructor(load, arrived = () => {}) {
    super();
    this.#load = load;
    this.#arrived = arrived;
  }

  open() {
    this.#go();
  }

  async #go() {
    const { gone } = this;
    const wait = () => this.show(el("p", { class: "loading", role: "status" }, t("app.loading")));
    const slow = setTimeout(wait, SOON_MS);
    try {
      const found = await this.#load(gone);
      if (gone.aborted) return;
      this.replaceWith(found);
      this.#arrived(found);
    } catch (problem) {
      if (!gone.aborted) this.show(failure(problem, () => this.#go()));
    } finally {
      clearTimeout(slow);
    }
  }
}

customElements.define("chat-loading", Loading);
