// @ts-check
/** What the server has now: read again every few seconds while somebody looks. */
import { el, View } from "../dom.js";
import { because, failure } from "../loading.js";
import { t, when } from "../words.js";

const AGAIN_MS = 5000;

/** Of a class that says what is asked for, and how it is shown. What was read stays when no answer comes. */
export class Live extends View {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #turn = 0;
  #told = "";
  /** Why it cannot be read. */
  problem = el("div", { class: "problem" });
  /** When it was read. */
  at = el("p", { class: "at faint" }, t("app.loading"));

  open() {
    this.listen(document, "visibilitychange", () => this.read());
    this.read();
  }

  close() {
    clearTimeout(this.#timer);
  }

  /** @param {AbortSignal} _gone @returns {Promise<any>} */
  async ask(_gone) {}

  /** @param {any} _found  what `ask` gave */
  draw(_found) {}

  async read() {
    clearTimeout(this.#timer);
    const { gone } = this;
    if (document.hidden || gone.aborted) return; // it is read as soon as somebody looks
    const turn = (this.#turn += 1);
    try {
      const found = await this.ask(gone);
      if (gone.aborted || turn !== this.#turn) return;
      this.draw(found);
      this.at.textContent = t("admin.read", { time: when("clock", new Date()) });
      this.#tell("");
    } catch (problem) {
      if (gone.aborted || turn !== this.#turn) return;
      this.#tell(because(problem), problem);
    }
    this.#timer = setTimeout(() => this.read(), AGAIN_MS);
  }

  /** Once, however often it fails. @param {string} text @param {unknown} [problem] */
  #tell(text, problem) {
    if (text === this.#told) return;
    this.#told = text;
    this.problem.replaceChildren(...(text ? [failure(problem, () => this.read())] : []));
  }
}
