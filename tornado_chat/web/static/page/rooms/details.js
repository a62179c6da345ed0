// @ts-check
/** What a room is called, who is in it, and the way out. */
import { ask } from "../dialog.js";
import { el, View } from "../dom.js";
import { failure } from "../loading.js";
import { route } from "../route.js";
import { t } from "../words.js";
import { face } from "./face.js";
import { People } from "./people.js";

/** @typedef {import("./conversation.js").Conversation} Conversation */

/** @param {Conversation} conversation */
export function details(conversation) {
  const { room, rooms, id } = conversation;
  if (!room) return;
  const members = new Members(conversation);
  if (room.one_to_one) {
    ask({ title: room.name }, members);
    return;
  }
  const name = el("input", { id: "room-name", maxlength: 255, autocomplete: "off", is: { value: room.name } });
  const send = async () => rooms.know(await rooms.rest.rename(id, name.value));
  const save = el("button", { type: "button", on: { click: () => members.do(send) } }, t("app.save"));
  const label = el("label", { for: "room-name" }, t("rooms.name"));
  ask({ title: t("rooms.details"), send }, el("div", {}, label, el("div", { class: "in-line" }, name, save)), members);
}

/** <chat-members>: who is in a room; adds, removes, and leaves. */
class Members extends View {
  #conversation;
  #rooms;
  /** @type {import("./rest.js").Member[]} */
  #members = [];
  #more = false;
  #drawn = "";
  #title = el("h3", {});
  #list = el("ul", { class: "people" });
  #next = el("button", { type: "button", on: { click: () => this.#read() } }, t("rooms.more_members"));
  #adding = el("div", { class: "adding" });
  #said = el("div");

  /** @param {Conversation} conversation */
  constructor(conversation) {
    super();
    this.#conversation = conversation;
    this.#rooms = conversation.rooms;
  }

  open() {
    const leave = () =>
      this.do(async () => {
        this.#rooms.know(await this.#rooms.rest.leave(this.#conversation.id));
        route.go("rooms");
      });
    const button = el("button", { type: "button", class: "danger", on: { click: leave } }, t("rooms.leave"));
    const note = el("p", { class: "faint" }, t("rooms.leave_note"));
    this.show(this.#title, this.#list, this.#next, this.#adding, this.#said, el("div", { class: "leave" }, button, note));
    this.listen(this.#conversation, "change", () => this.#look());
    this.#offer();
    this.#read();
  }

  /** A button, which becomes the way to add people. */
  #offer() {
    const add = () => {
      const people = new People(this.#rooms.rest, new Set(this.#members.map(({ user_id }) => user_id)));
      const go = el("button", { type: "button", disabled: true }, t("rooms.add"));
      people.addEventListener("change", () => (go.disabled = !people.chosen.size));
      go.addEventListener("click", () => this.#add([...people.chosen.keys()]));
      this.#adding.replaceChildren(people, go);
      people.querySelector("input")?.focus();
    };
    const button = el("button", { type: "button", on: { click: add } }, t("rooms.add_people"));
    this.#adding.replaceChildren(button);
  }

  /** @param {string[]} members */
  #add(members) {
    this.do(async () => {
      this.#rooms.know(await this.#rooms.rest.add(this.#conversation.id, members));
      this.#offer();
      await this.#again();
    });
  }

  /** @param {string} member */
  #remove(member) {
    this.do(async () => {
      await this.#rooms.rest.remove(this.#conversation.id, member);
      await this.#again();
    });
  }

  async #again() {
    this.#members = [];
    await this.#read();
  }

  #read() {
    return this.do(async () => {
      const { members, more } = await this.#rooms.rest.members(this.#conversation.id, this.#members.length);
      this.#members.push(...members);
      this.#more = more;
      this.#draw();
    });
  }

  /** Whether anything of it has changed; somebody may only be writing. */
  #look() {
    const { room, presence } = this.#conversation;
    const now = [room?.member_count, room?.created_by, ...presence.here].join();
    if (now !== this.#drawn) this.#draw();
    this.#drawn = now;
  }

  #draw() {
    const { room } = this.#conversation;
    const at = /** @type {HTMLElement} */ (document.activeElement);
    const of = this.#list.contains(at) ? at.dataset.of : undefined;
    this.#title.textContent = t("rooms.members", { count: room?.member_count ?? 0 });
    this.#next.hidden = !this.#more;
    this.#list.replaceChildren(...this.#members.map((member) => this.#line(member)));
    const buttons = [...this.#list.querySelectorAll("button")];
    if (of) buttons.find(({ dataset }) => dataset.of === of)?.focus();
  }

  /** @param {import("./rest.js").Member} member */
  #line({ user_id: id, full_name: name, active }) {
    const { room, presence } = this.#conversation;
    const { user_id: me, permissions } = this.#rooms.user;
    const may = room?.created_by === me || ["*", "admin", "rooms"].some((each) => permissions.includes(each));
    const label = t("rooms.remove_him", { name });
    const button = { type: "button", "aria-label": label, data: { of: id }, on: { click: () => this.#remove(id) } };
    return el(
      "li",
      {},
      face(id, name, presence.here.has(id)),
      el("span", { class: "name" }, id === me ? t("rooms.yourself", { name }) : name),
      !active && el("span", { class: "faint" }, t("rooms.has_left")),
      may && id !== me && !room?.one_to_one && el("button", button, t("rooms.remove")),
    );
  }

  /** Says so where it fails. @param {() => Promise<unknown>} work */
  async do(work) {
    this.#said.replaceChildren();
    try {
      await work();
    } catch (problem) {
      this.#said.replaceChildren(failure(problem));
    }
  }
}

customElements.define("chat-members", Members);
