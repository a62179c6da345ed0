// @ts-check
/** Questions over the page. The browser keeps the focus in them, and gives it back. */
import { el } from "./dom.js";
import { sending } from "./loading.js";
import { route } from "./route.js";
import { t } from "./words.js";

let last = 0;

/**
 * Asks for what `children` are fields of, or only whether to do it. The first field has the focus;
 * Escape, or another address, is no. Where `send` fails, that is said, and one may try again.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} [question.action]  what the button says that does it; without, there is nothing to do
 * @param {boolean} [question.danger]  it cannot be taken back
 * @param {(form: HTMLFormElement) => unknown} [question.send]  does it; valid fields, may take its time
 * @param {import("./dom.js").Child[]} children
 * @returns {Promise<boolean>}  whether it is done; settles when the dialog is gone
 */
export function ask({ title, action, danger, send = () => {} }, ...children) {
  const id = `dialog-${(last += 1)}`;
  const said = el("div");
  const done = async (/** @type {HTMLFormElement} */ form) => {
    await send(form);
    dialog.close("done");
  };
  const kind = danger ? "main danger" : "main";
  const button = action && el("button", { class: kind, type: "submit" }, action);
  const no = action ? t("app.cancel") : t("app.close");
  const form = el(
    "form",
    { on: { submit: sending(said, done) } },
    el("h2", { id }, title),
    ...children,
    said,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", on: { click: () => dialog.close() } }, no),
      button,
    ),
  );
  const dialog = el("dialog", { "aria-labelledby": id }, form);
  const over = new AbortController();

  return new Promise((resolve) => {
    route.addEventListener("change", () => dialog.close(), { signal: over.signal });
    dialog.addEventListener("close", () => {
      over.abort();
      dialog.remove();
      resolve(dialog.returnValue === "done");
    });
    (document.querySelector("chat-app") ?? document.body).append(dialog); // it goes with who is signed in
    dialog.showModal();
  });
}
