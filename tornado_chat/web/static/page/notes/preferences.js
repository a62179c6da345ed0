// @ts-check
/** <chat-note-preferences>: what one wants of the topics of notifications. */
import { el, View } from "../dom.js";
import { because } from "../loading.js";
import { href } from "../route.js";
import { t } from "../words.js";

/** @typedef {import("./notes.js").Wish} Wish */

export class NotePreferences extends View {
  /** @type {Map<string, {receive: HTMLInputElement, mute: HTMLInputElement}>} by topic */
  #switches = new Map();
  #said = el("p", { class: "said", role: "alert" });
  #rows = el("tbody");
  #table = el(
    "table",
    {},
    el("caption", { class: "faint" }, t("notes.preferences.about")),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, t("notes.topic")),
        el("th", { scope: "col" }, t("notes.receive")),
        el("th", { scope: "col" }, t("notes.mute")),
      ),
    ),
    this.#rows,
  );
  #empty = el("p", { class: "empty faint" });
  #notes;

  /** @param {import("./notes.js").Notes} notes */
  constructor(notes) {
    super();
    this.#notes = notes;
  }

  open() {
    this.show(
      el(
        "header",
        {},
        el("h1", {}, t("notes.preferences")),
        el("a", { class: "button", href: href("notes") }, t("notes.back")),
      ),
      this.#said,
      this.#table,
      this.#empty,
    );
    this.listen(this.#notes, "change", () => this.#draw());
    this.#draw();
  }

  #draw() {
    const { known, topics } = this.#notes;
    for (const name of this.#switches.keys()) {
      if (!topics.has(name)) this.#forget();
    }
    for (const wish of topics.values()) this.#drawOne(wish);
    this.#table.hidden = topics.size === 0;
    this.#empty.hidden = topics.size > 0;
    this.#empty.textContent = t(known ? "notes.preferences.empty" : "app.loading");
  }

  #forget() {
    this.#switches.clear();
    this.#rows.replaceChildren();
  }

  /** @param {Wish} wish */
  #drawOne(wish) {
    const { receive, mute } = this.#switches.get(wish.topic) ?? this.#add(wish);
    receive.checked = this.#notes.receives(wish);
    mute.checked = wish.mute;
    mute.disabled = !receive.checked; // nothing comes that could be shown
  }

  /** @param {Wish} wish */
  #add({ topic, description }) {
    const name = description || topic;
    const receive = this.#switch(topic, "receive", t("notes.receive.of", { name }));
    const mute = this.#switch(topic, "mute", t("notes.mute.of", { name }));
    this.#rows.append(
      el(
        "tr",
        {},
        el("th", { scope: "row" }, name, description && el("span", { class: "faint" }, topic)),
        el("td", {}, receive),
        el("td", {}, mute),
      ),
    );
    const made = { receive, mute };
    this.#switches.set(topic, made);
    return made;
  }

  /** @param {string} topic @param {"receive" | "mute"} part @param {string} name */
  #switch(topic, part, name) {
    const made = el("input", {
      type: "checkbox",
      role: "switch",
      "aria-label": name,
      on: { change: () => this.#say(topic, { [part]: made.checked }) },
    });
    return made;
  }

  /** @param {string} topic @param {Partial<Wish>} part */
  async #say(topic, part) {
    this.#said.textContent = "";
    try {
      await this.#notes.prefer(topic, part);
    } catch (problem) {
      this.#said.textContent = because(problem);
    }
    this.#draw();
  }
}

customElements.define("chat-note-preferences", NotePreferences);
