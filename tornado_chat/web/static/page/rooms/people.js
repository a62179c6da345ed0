// @ts-check
/** <chat-people>: search people of the company, and choose at least one. Event `change`. */
import { el, icon, View } from "../dom.js";
import { because } from "../loading.js";
import { t } from "../words.js";
import { face } from "./face.js";

/** @typedef {import("./rest.js").Person} Person */

const SEARCH_MS = 200; // after the last key

export class People extends View {
  /** @type {Map<string, Person>} by id */
  chosen = new Map();
  #rest;
  #without;
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #seeking;
  #search = el("input", {
    type: "search",
    placeholder: t("rooms.who"),
    "aria-label": t("rooms.who"),
    autocomplete: "off",
    on: { input: () => this.#seek(), keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) },
  });
  #chips = el("div", { class: "chips" });
  #list = el("ul", { class: "people", "aria-label": t("rooms.people") });
  #note = el("p", { class: "faint", role: "status" });

  /** @param {import("./rest.js").RoomRest} rest @param {Set<string>} [without]  user ids that are no choice */
  constructor(rest, without = new Set()) {
    super();
    this.#rest = rest;
    this.#without = without;
  }

  open() {
    this.show(this.#search, this.#chips, this.#list, this.#note);
    this.#chosen();
    this.#find();
  }

  close() {
    clearTimeout(this.#seeking);
  }

  #seek() {
    clearTimeout(this.#seeking);
    this.#seeking = setTimeout(() => this.#find(), SEARCH_MS);
  }

  /** Enter takes the first that is found. @param {KeyboardEvent} event */
  async #key(event) {
    if (event.key !== "Enter" || event.isComposing || !this.#search.value) return;
    event.preventDefault();
    clearTimeout(this.#seeking);
    if (!(await this.#find())) return;
    this.#list.querySelector("input")?.click();
    this.#search.value = "";
    this.#find();
  }

  /** Whether it is the answer to what is typed. */
  async #find() {
    const asked = (this.#asked += 1);
    try {
      const { people, more } = await this.#rest.people({ search: this.#search.value.trim() });
      if (asked !== this.#asked) return false; // he has typed on
      const shown = people.filter(({ user_id }) => !this.#without.has(user_id));
      this.#list.replaceChildren(...shown.map((person) => this.#line(person)));
      this.#note.textContent = more ? t("rooms.people_more") : shown.length ? "" : t("rooms.nobody");
      return true;
    } catch (problem) {
      this.#note.textContent = because(problem);
      return false;
    }
  }

  /** @param {Person} person */
  #line(person) {
    const { user_id: id, name, email, online } = person;
    const box = el("input", { type: "checkbox", is: { checked: this.chosen.has(id) }, data: { id } });
    box.addEventListener("change", () => this.#choose(person, box.checked));
    const who = el("span", { class: "name" }, name, email && el("span", { class: "faint" }, email));
    return el("li", {}, el("label", {}, box, face(id, name, online), who));
  }

  /** @param {Person} person @param {boolean} wanted */
  #choose(person, wanted) {
    if (wanted) this.chosen.set(person.user_id, person);
    else this.chosen.delete(person.user_id);
    this.#chosen();
    this.dispatchEvent(new Event("change"));
  }

  #chosen() {
    this.#search.setCustomValidity(this.chosen.size ? "" : t("rooms.choose_people"));
    this.#chips.replaceChildren(...[...this.chosen.values()].map((each) => this.#chip(each)));
  }

  /** @param {Person} person */
  #chip(person) {
    const away = () => {
      this.#choose(person, false);
      for (const box of this.#list.querySelectorAll("input")) box.checked = this.chosen.has(box.dataset.id ?? "");
      this.#search.focus();
    };
    const name = t("rooms.not_him", { name: person.name });
    return el("button", { type: "button", class: "chip", "aria-label": name, on: { click: away } }, person.name, icon("close"));
  }
}

customElements.define("chat-people", People);
