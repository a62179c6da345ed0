// @ts-check
/** <chat-rooms>: the list, and the room that is open; on a narrow screen one of them. */
import { el, View } from "../dom.js";
import { href } from "../route.js";
import { t } from "../words.js";
import { RoomList } from "./list.js";
import { RoomView } from "./room.js";

/** `#/rooms`, `#/rooms/100205` */
export class RoomsPlace extends View {
  #rooms;
  #list;
  #pane = el("div", { class: "pane" });
  #id = "";

  /** @param {import("../session.js").Session} session */
  constructor({ rooms }) {
    super();
    this.#rooms = rooms;
    this.#list = new RoomList(rooms);
  }

  open() {
    this.show(el("h1", { class: "only-heard" }, t("app.rooms")), this.#list, this.#pane);
    this.#draw();
  }

  /** Which room, if any. @param {string[]} path */
  go([id = ""]) {
    if (id === this.#id) return;
    const before = this.#id;
    this.#id = id;
    this.#draw();
    if (!id) this.#list.focusOn(before);
    else this.#list.say("");
  }

  #draw() {
    const id = this.#id;
    const nothing = el("p", { class: "empty" }, t("rooms.choose"));
    this.dataset.shows = id ? "room" : "list";
    this.#list.mark(id);
    this.#pane.replaceChildren(id ? new RoomView(this.#rooms, id, (name) => this.#ended(name)) : nothing);
  }

  /** @param {string} name */
  #ended(name) {
    location.replace(href("rooms")); // nobody goes back to it
    this.#list.say(name ? t("rooms.ended", { name }) : t("rooms.not_there"));
  }
}

customElements.define("chat-rooms", RoomsPlace);
export default RoomsPlace;
