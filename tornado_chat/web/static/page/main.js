// @ts-check
/** The start of the page. */
import { App } from "./app.js";
import { heard } from "./say.js";
import { choose } from "./words.js";

await choose();
document.body.replaceChildren(new App(), heard);
