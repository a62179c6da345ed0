// @ts-check
/** Where in the page one is: what stands after the # of its address, `#/rooms/100205`. */

class Route extends EventTarget {
  constructor() {
    super();
    addEventListener("hashchange", () => this.dispatchEvent(new Event("change")));
  }

  /** `["rooms", "100205"]`; empty at the beginning. */
  get path() {
    const parts = location.hash.slice(1).split("/").filter(Boolean);
    return parts.map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part; // somebody has typed it
      }
    });
  }

  /** @param {string[]} path */
  go(...path) {
    location.hash = href(...path);
  }
}

/** @param {string[]} path */
export function href(...path) {
  return `#/${path.map(encodeURIComponent).join("/")}`;
}

/** Event `change`. */
export const route = new Route();
