// @ts-check
/** <chat-room-list>: the rooms that one is in. */
import { Badge } from "../badge.js";
import { arrange, attribute, el, icon, View } from "../dom.js";
import { because } from "../loading.js";
import { href } from "../route.js";
import { t, when } from "../words.js";
import { face } from "./face.js";
import { yesterdayOr } from "./message.js";
import { newChat } from "./new-chat.js";

/** @typedef {import("./rest.js").Room} Room */

const SEARCH_MS = 200; // after the last key
const LOOK_MS = 60_000; // who is online
const PREVIEW = 120; // characters

export class RoomList extends View {
  #rooms;
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #shown = "";
  #drawing = 0;
  #search = el("input", {
    type: "search",
    placeholder: t("rooms.search"),
    "aria-label": t("rooms.search"),
    on: { input: () => this.#seek() },
  });
  #list = el("ul", { class: "rooms", "aria-label": t("app.rooms") });
  #told = el("p", { class: "empty", role: "status" });
  #note = el("p", { class: "empty", role: "status" });
  #more = el("button", { class: "more", hidden: true, on: { click: () => this.#rooms.next() } }, t("rooms.more"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seeking;

  /** @param {import("./rooms.js").Rooms} rooms */
  constructor(rooms) {
    super();
    this.#rooms = rooms;
  }

  open() {
    const start = { class: "main", title: t("rooms.start"), "aria-label": t("rooms.start") };
    this.show(
      el(
        "div",
        { class: "tools" },
        this.#search,
        el("button", { ...start, on: { click: () => newChat(this.#rooms) } }, icon("add")),
      ),
      this.#told,
      this.#note,
      el("div", { class: "scroller" }, this.#list, this.#more),
    );
    this.listen(this.#rooms, "change", () => this.#later());
    const look = () => document.visibilityState === "visible" && this.#rooms.look();
    const looking = setInterval(look, LOOK_MS);
    this.gone.addEventListener("abort", () => clearInterval(looking));
    this.#draw();
  }

  close() {
    clearTimeout(this.#seeking);
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    this.#rooms.search("");
  }

  /** Which one is open. @param {string} id */
  mark(id) {
    this.#shown = id;
    for (const [each, entry] of this.#entries) entry.mark(each === id);
  }

  /** @param {string} id */
  focusOn(id) {
    this.#entries.get(id)?.link.focus();
  }

  /** @param {string} text */
  say(text) {
    this.#told.textContent = text;
  }

  #seek() {
    clearTimeout(this.#seeking);
    this.#seeking = setTimeout(() => this.#rooms.search(this.#search.value.trim()), SEARCH_MS);
  }

  /** Once a picture, however much has changed. */
  #later() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#draw();
    });
  }

  #draw() {
    const rooms = this.#rooms.list;
    const before = this.#entries;
    this.#entries = new Map(rooms.map((room) => [room.room_id, before.get(room.room_id) ?? new Entry(this.#rooms)]));
    const elements = rooms.map((room) => {
      const entry = /** @type {Entry} */ (this.#entries.get(room.room_id));
      entry.draw(room);
      entry.mark(room.room_id === this.#shown);
      return entry.element;
    });
    arrange(this.#list, elements);
    this.#more.hidden = !this.#rooms.more || this.#search.value.trim() !== "";
    this.#tell(rooms.length);
  }

  /** What is there instead of rooms. @param {number} count */
  #tell(count) {
    const { loaded, problem } = this.#rooms;
    const nothing = t(this.#search.value ? "rooms.nothing_found" : "rooms.none");
    const failed = problem && because(problem);
    const text = loaded ? (count ? "" : nothing) : (failed ?? t("app.loading"));
    if (this.#note.textContent !== text) this.#note.textContent = text;
  }
}

/** A room in the list. */
class Entry {
  #rooms;
  /** @type {Room | null} */
  #room = null;
  #online = false;
  #day = "";
  #name = el("span", { class: "name" });
  #time = el("time", {});
  #preview = el("span", { class: "text", dir: "auto" });
  #badge = new Badge();
  #face = el("span");

  /** @param {import("./rooms.js").Rooms} rooms */
  constructor(rooms) {
    this.#rooms = rooms;
    this.link = el("a", {}, this.#face, this.#name, this.#time, this.#preview, this.#badge);
    this.element = el("li", {}, this.link);
  }

  /** @param {boolean} shown */
  mark(shown) {
    attribute(this.link, "aria-current", shown && "page");
  }

  /** @param {Room} room */
  draw(room) {
    const other = this.#rooms.other(room);
    const online = other !== undefined && this.#rooms.online.has(other.user_id);
    const day = new Date().toDateString();
    if (room === this.#room && online === this.#online && day === this.#day) return;
    this.#face.replaceChildren(face(other?.user_id ?? room.room_id, room.name, online));
    this.#room = room;
    this.#online = online;
    this.#day = day;
    const { room_id, name, last_message: last, unread } = room;
    this.link.href = href("rooms", room_id);
    this.#name.textContent = name;
    attribute(this.#time, "datetime", last?.at);
    this.#time.textContent = last ? yesterdayOr(when("short", last.at), new Date(last.at)) : "";
    this.#preview.textContent = last ? this.#line(room, last) : "";
    this.#badge.tell(unread, t("app.unread", { count: unread }));
    this.element.classList.toggle("new", unread > 0);
  }

  /** @param {Room} room @param {import("./rest.js").LastMessage} last */
  #line({ one_to_one }, { sender, sender_name, content }) {
    const text = content.slice(0, PREVIEW).replace(/\s+/g, " ");
    if (sender === this.#rooms.user.user_id) return t("rooms.said_by", { name: t("rooms.you"), text });
    return one_to_one || !sender_name ? text : t("rooms.said_by", { name: sender_name, text });
  }
}

customElements.define("chat-room-list", RoomList);
