// @ts-check
/** Text for the clipboard. */
import { el, icon } from "./dom.js";
import { say } from "./say.js";
import { t } from "./words.js";

/** @param {string | (() => string)} text @param {string} [name]  of the button */
export function copyButton(text, name = t("app.copy")) {
  const label = el("span", {}, name);
  const button = el("button", { type: "button", on: { click: () => copy() } }, icon("copy"), label);

  const copy = async () => {
    const done = await put(typeof text === "string" ? text : text(), button);
    label.textContent = t(done ? "app.copied" : "app.uncopied");
    say(label.textContent);
    setTimeout(() => (label.textContent = name), 3000);
  };

  return button;
}

/** @param {string} text @param {HTMLElement} beside  where the focus may go */
async function put(text, beside) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return selected(text, beside); // without TLS there is no other way
  }
}

/** @param {string} text @param {HTMLElement} beside */
function selected(text, beside) {
  const field = el("textarea", { class: "only-heard", readonly: true, is: { value: text } });
  beside.after(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  beside.focus();
  return done;
}
