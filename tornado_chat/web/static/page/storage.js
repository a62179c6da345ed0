// @ts-check
/** What the browser keeps for the page, by a name: in this tab, or on this device. Some forbid it. */

/** @typedef {"sessionStorage" | "localStorage"} Where */

/** Its name among those of the browser. @param {string} name */
export const keptAs = (name) => `tornado_chat.${name}`;

/** Null where there is nothing. @param {Where} where @param {string} name @returns {any} */
export function recall(where, name) {
  try {
    return JSON.parse(globalThis[where].getItem(keptAs(name)) ?? "null");
  } catch {
    return null;
  }
}

/** Null forgets it. Whether it is kept. @param {Where} where @param {string} name @param {any} value */
export function remember(where, name, value) {
  try {
    if (value === null) globalThis[where].removeItem(keptAs(name));
    else globalThis[where].setItem(keptAs(name), JSON.stringify(value));
    return true;
  } catch {
    return false; // forbidden, or full
  }
}
