// @ts-check
/** What one writes: begun, on its way, and failed. */
import { recall, remember } from "../storage.js";

/** @typedef {import("../../client/publication.js").Publication} Publication */

export class Outbox {
  /** @type {Map<string, string>} what was begun, by room; it outlives a reload of the tab */
  drafts;
  /** @type {Set<Publication>} that are not stored */
  #unsent = new Set();
  #chat;
  #kept;

  /** @param {import("../../client/chat.js").Chat} chat @param {string} user  his id */
  constructor(chat, user) {
    this.#chat = chat;
    this.#kept = `drafts.${user}`;
    const kept = recall("sessionStorage", this.#kept);
    const pairs = Array.isArray(kept) ? kept.filter((each) => Array.isArray(each)) : [];
    this.drafts = new Map(/** @type {any} */ (pairs));
    for (const publication of chat.unsent) this.#keep(publication); // of before a reload
  }

  /** @param {string} topic @param {string} content */
  post(topic, content) {
    return this.#keep(this.#chat.publish(topic, { content }));
  }

  /** @param {Publication} publication */
  #keep(publication) {
    this.#unsent.add(publication);
    publication.addEventListener("change", () => {
      if (publication.state === "stored") this.#unsent.delete(publication);
    });
    return publication;
  }

  /** What is not stored yet, in its order. @param {string} topic */
  of(topic) {
    return [...this.#unsent].filter((each) => each.topic === topic);
  }

  /** It has failed, and is not wanted any more. @param {Publication} publication */
  discard(publication) {
    this.#unsent.delete(publication);
  }

  /** What was begun. @param {string} id  of the room @param {string} text */
  draft(id, text) {
    if (text) this.drafts.set(id, text);
    else this.drafts.delete(id);
    remember("sessionStorage", this.#kept, this.drafts.size ? [...this.drafts] : null);
  }

  /** He has gone: nothing of his stays. */
  forget() {
    remember("sessionStorage", this.#kept, null);
  }
}
