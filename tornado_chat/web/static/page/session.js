// @ts-check
/** What is there while somebody is signed in: the client, and what he sees of rooms and notifications. */
import { connect } from "../client.js";
import { Notes } from "./notes/notes.js";
import { Rooms } from "./rooms/rooms.js";

/** @typedef {import("./account.js").Account} Account */

/** Events: `change` of `user` and `plugins`; `ended`, the key is good no longer. */
export class Session extends EventTarget {
  /** @type {string[]} the plugins that the server has */
  plugins = [];

  /** @param {Account} account */
  constructor(account) {
    super();
    this.account = account;
    this.user = account.user;
    this.chat = connect(location.origin, account.key);
    this.rest = this.chat.rest;
    this.rooms = new Rooms(this.chat, this.user);
    this.notes = new Notes(this.chat, this.user);
    this.chat.subscribe("mine", {
      onMessage: (message) => this.#of(message.topic).take(message),
      onSnapshot: () => this.#load(),
    });
    this.chat.addEventListener("signal", ({ detail }) => this.#of(detail.topic).hear(detail));
    this.chat.addEventListener("state", () => this.#look());
  }

  /** @param {string} permission */
  may(permission) {
    return ["*", "admin", permission].some((each) => this.user.permissions.includes(each));
  }

  /** What is there now, before the messages that follow. */
  async #load() {
    this.rooms.load();
    this.notes.load();
    Object.assign(this, await this.rest.get("/account"));
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} topic */
  #of(topic) {
    return topic.includes(":") ? this.rooms : this.notes;
  }

  #look() {
    if (this.chat.error?.code === "unauthorized") this.dispatchEvent(new Event("ended"));
  }

  /** Whoever it was has gone. */
  close() {
    this.chat.close();
  }
}
