// @ts-check
/** <chat-room>: a room that is open. */
import { el, focusHeading, icon, View } from "../dom.js";
import { href, route } from "../route.js";
import { t } from "../words.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { details } from "./details.js";
import { face } from "./face.js";
import { Messages } from "./messages.js";

const NARROW = matchMedia("(max-width: 45rem)");
const NAMED = 2; // of those who write
const CROWD = 200; // members: of more it is not told who comes and goes,
const LOOK_MS = 30_000; // one asks

export class RoomView extends View {
  #rooms;
  #id;
  #ended;
  /** @type {Conversation | null} */
  #conversation = null;
  #face = el("span");
  #name = el("h2", { dir: "auto" });
  #who = el("p", { class: "faint" });
  #writing = el("p", { class: "writing", role: "status" });

  /** @param {import("./rooms.js").Rooms} rooms @param {string} id @param {(name: string) => void} ended  one is not in it */
  constructor(rooms, id, ended) {
    super();
    this.#rooms = rooms;
    this.#id = id;
    this.#ended = ended;
  }

  open() {
    const conversation = new Conversation(this.#rooms, this.#id);
    this.#conversation = conversation;
    const messages = new Messages(conversation);
    const composer = new Composer(conversation, () => messages.toBottom());
    this.show(
      el(
        "header",
        {},
        el("a", { class: "back", href: href("rooms"), "aria-label": t("rooms.back") }, icon("back")),
        this.#face,
        el("div", {}, this.#name, this.#who),
        el("button", { class: "plain", "aria-label": t("rooms.details"), title: t("rooms.details"), on: { click: () => details(conversation) } }, icon("more")),
      ),
      messages,
      this.#writing,
      composer,
    );
    this.listen(conversation, "change", () => this.#draw());
    this.listen(conversation, "ended", () => this.#ended(conversation.room?.name ?? ""));
    this.listen(this, "keydown", (event) => this.#key(event));
    const looking = setInterval(() => this.#look(), LOOK_MS);
    this.gone.addEventListener("abort", () => clearInterval(looking));
    this.#draw();
    if (NARROW.matches) focusHeading(this);
    else composer.focus();
  }

  close() {
    this.#conversation?.close();
  }

  #look() {
    const { room, presence } = /** @type {Conversation} */ (this.#conversation);
    if ((room?.member_count ?? 0) > CROWD && document.visibilityState === "visible") presence.look();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape" && NARROW.matches) route.go("rooms");
  }

  #draw() {
    const { room, presence } = /** @type {Conversation} */ (this.#conversation);
    if (!room) return;
    const other = this.#rooms.other(room);
    const here = presence.here.size - Number(presence.here.has(this.#rooms.user.user_id));
    if (this.#name.textContent !== room.name) {
      this.#name.textContent = room.name;
      this.#face.replaceChildren(face(other?.user_id ?? room.room_id, room.name));
    }
    const members = t("rooms.members", { count: room.member_count });
    const some = here ? `${members}, ${t("rooms.here", { count: here })}` : members;
    const who = other ? t(here ? "rooms.online" : "rooms.offline_now") : some;
    if (this.#who.textContent !== who) this.#who.textContent = who;
    const shown = room.members.filter(({ user_id }) => presence.here.has(user_id));
    this.#who.title = shown.map(({ full_name }) => full_name).join(", ");
    const writing = this.#whoWrites(presence.writing);
    if (this.#writing.textContent !== writing) this.#writing.textContent = writing;
  }

  /** @param {string[]} ids */
  #whoWrites(ids) {
    if (!ids.length) return "";
    const names = ids.slice(0, NAMED).map((id) => this.#nameOf(id));
    if (ids.length > NAMED) return t("rooms.many_write");
    return t("rooms.writes", { count: ids.length, name: names[0], other: names[1] ?? "" });
  }

  /** @param {string} id */
  #nameOf(id) {
    const { room, log } = /** @type {Conversation} */ (this.#conversation);
    const member = room?.members.find(({ user_id }) => user_id === id);
    const said = log.items.findLast(({ message }) => message?.sender === id);
    return member?.full_name ?? said?.message?.sender_name ?? t("rooms.somebody");
  }
}

customElements.define("chat-room", RoomView);
