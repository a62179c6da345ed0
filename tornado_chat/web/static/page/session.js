// @ts-check
/** What is there while somebody is signed in: the client, and what he sees of rooms and notifications. */
import { connect } from "../client.js";
import { changePassword, update } from "./account.js";
import { Notes } from "./notes/notes.js";
import { Rooms } from "./rooms/rooms.js";
import { recall, remember } from "./storage.js";

/** @typedef {import("./account.js").Account} Account */

const AGAIN_MS = 5000; // until a server that could not say who one is, is asked again

/**
 * Events: `change` of `user` and `plugins`, which are refreshed at each connection; `ended`, the key is
 * good no longer. What is on its way to the server outlives a reload of the tab: it is in
 * `chat.unsent` before anything else is there.
 */
export class Session extends EventTarget {
  /** He changes his password: that the key ends, here and in other tabs, is no news. */
  changing = false;
  #over = new AbortController();
  #kept;

  /** @param {Account} account */
  constructor(account) {
    super();
    const { signal } = this.#over;
    this.account = account;
    this.user = account.user;
    /** those that the server has; none, until that was heard once */
    this.plugins = account.plugins ?? [];
    this.known = account.plugins !== undefined;
    this.chat = connect(location.origin, account.key);
    this.rest = this.chat.rest;
    this.#kept = `unsent.${this.user.user_id}`;
    this.#resend();
    this.rooms = new Rooms(this.chat, this.user);
    this.notes = new Notes(this.chat, this.user);
    this.chat.subscribe("mine", {
      onMessage: (message) => this.#of(message.topic).take(message),
      onJoined: () => this.#joined(),
    });
    this.chat.addEventListener("signal", (/** @type {any} */ { detail }) => {
      this.#of(detail.topic).hear(detail);
    });
    this.chat.addEventListener("state", () => this.#look());
    globalThis.addEventListener("pagehide", () => this.#keep(), { signal });
    globalThis.addEventListener("visibilitychange", () => this.#keep(), { signal });
  }

  /** @param {string} permission */
  may(permission) {
    return ["*", "admin", permission].some((each) => this.user.permissions.includes(each));
  }

  /** Whether the server has this plugin. @param {string} plugin */
  has(plugin) {
    return this.plugins.includes(plugin);
  }

  /** It is listened to from now on, and signals of before were missed. */
  #joined() {
    this.#read();
    this.#refresh();
  }

  /** What is there now, of what the server has. */
  #read() {
    if (this.has("chat_rooms")) this.rooms.load();
    if (this.has("notifications")) this.notes.load();
  }

  async #refresh() {
    const { account, plugins: before } = this;
    try {
      const { user, plugins } = await this.rest.get("/account");
      if (this.#over.signal.aborted) return;
      this.account = { ...account, user, plugins };
      this.known = true;
      if (same(this.account, account)) return;
      Object.assign(this, { user, plugins });
      update(this.account);
      if (!same(plugins, before)) this.#read();
      this.dispatchEvent(new Event("change"));
    } catch {
      const again = () => this.chat.state === "open" && this.#refresh();
      setTimeout(again, AGAIN_MS); // without a connection the next one does it
    }
  }

  /**
   * What goes on is another session, with the account that this gives.
   *
   * @param {string} old @param {string} wanted
   */
  async changePassword(old, wanted) {
    this.changing = true;
    try {
      return await changePassword(this.account, old, wanted);
    } catch (problem) {
      this.changing = false;
      this.#look();
      throw problem;
    }
  }

  /** @param {string} topic */
  #of(topic) {
    return topic.includes(":") ? this.rooms : this.notes;
  }

  #look() {
    const ended = this.chat.error?.code === "unauthorized" && !this.changing;
    if (ended) this.dispatchEvent(new Event("ended"));
  }

  // What was not sent

  #resend() {
    const unsent = recall("sessionStorage", this.#kept);
    if (!Array.isArray(unsent)) return;
    for (const { topic, data, key } of unsent) this.chat.publish(topic, data, { key });
  }

  #keep() {
    const unsent = this.chat.unsent.map(({ topic, data, key }) => ({ topic, data, key }));
    remember("sessionStorage", this.#kept, unsent.length ? unsent : null);
  }

  // Its end

  /** The tab is another's, or the key is no longer good. */
  close() {
    this.#keep();
    this.#over.abort();
    this.chat.close();
  }

  /** He has gone: nothing of his stays. */
  leave() {
    this.close();
    this.rooms.outbox.forget();
    remember("sessionStorage", this.#kept, null);
  }
}

/** @param {any} one @param {any} other */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
