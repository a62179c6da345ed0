// @ts-check
/** A form on the page that says what came of it, and can be sent again. */
import { el } from "../dom.js";
import { sending } from "../loading.js";
import { say } from "../say.js";

/**
 * @param {{action: string, done: string, send: () => unknown}} what  the button, what is said once it is done, how
 * @param {import("../dom.js").Child[]} children
 */
export function sheet({ action, done, send }, ...children) {
  const said = el("div");
  const submit = sending(said, async () => {
    await send();
    said.replaceChildren(el("p", { class: "saved" }, done));
    say(done);
  });
  const button = el("button", { class: "main", type: "submit" }, action);
  const actions = el("div", { class: "actions" }, button);
  return el("form", { class: "sheet", on: { submit } }, ...children, said, actions);
}
