// @ts-check
/** <chat-note-list>: the list of notifications, newest first. */
import { arrange, attribute, el, icon, View } from "../dom.js";
import { because } from "../loading.js";
import { href } from "../route.js";
import { t, when } from "../words.js";
import { heading, textOf, typeMark, typeOf } from "./note.js";

/** @typedef {import("./notes.js").Note} Note */

const TRIES = 5; // answers that are read for something unseen

export class NoteList extends View {
  /** @type {Map<string, HTMLElement>} by which notification it is */
  #rows = new Map();
  #drawing = 0;
  #count = el("p", { class: "faint" });
  #said = el("p", { class: "said", role: "alert" });
  #list = el("ul", { class: "notes", "aria-label": t("app.notes") });
  #empty = el("p", { class: "empty faint" });
  #all = el("button", { on: { click: () => this.#try(this.#notes.viewAll()) } }, t("notes.all.seen"));
  #older = el("button", { on: { click: () => this.#try(this.#readOlder()) } }, t("notes.older"));
  #unseen = el("input", { type: "checkbox", on: { change: () => this.#draw() } });
  #topics = el("select", { "aria-label": t("notes.topic"), on: { change: () => this.#choose() } });
  #notes;
  #session;

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.#session = session;
    this.#notes = session.notes;
  }

  open() {
    this.show(
      el("header", {}, el("h1", {}, t("app.notes")), this.#count, this.#preferences()),
      el(
        "div",
        { class: "tools" },
        this.#topics,
        el("label", { class: "check" }, this.#unseen, t("notes.unseen.only")),
        this.#all,
      ),
      this.#said,
      this.#list,
      this.#empty,
      this.#older,
    );
    this.listen(this.#notes, "change", () => this.#soon());
    this.listen(this.#session, "change", () => this.#soon(true));
    this.gone.addEventListener("abort", () => cancelAnimationFrame(this.#drawing));
    this.#draw();
  }

  #preferences() {
    const name = t("notes.preferences");
    const place = href("notes", "preferences");
    const look = { class: "button", href: place, "aria-label": name, title: name };
    return el("a", look, icon("gear"), el("span", {}, name));
  }

  /** @param {boolean} [anew]  links may lead elsewhere */
  #soon(anew = false) {
    if (anew) this.#rows.clear();
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const { known, list, more, problem, topic, unviewed } = this.#notes;
    const unseen = this.#unseen.checked;
    const shown = unseen ? list.filter(({ viewed }) => !viewed) : list;
    arrange(this.#list, shown.map((note) => this.#row(note)));
    if (this.#rows.size > 2 * list.length + 100) this.#forget();
    const count = unviewed ? "notes.unseen" : "notes.none.unseen";
    this.#count.textContent = known ? t(count, { count: unviewed }) : "";
    this.#all.disabled = !unviewed;
    this.#older.hidden = !more;
    this.#empty.hidden = shown.length > 0;
    const empty = unseen ? "notes.empty.unseen" : topic ? "notes.empty.topic" : "notes.empty";
    if (known) this.#empty.textContent = t(empty);
    else this.#empty.textContent = problem ? "" : t("app.loading");
    if (problem) this.#said.textContent = because(problem);
    else if (this.#said.textContent && known) this.#said.textContent = "";
    this.#drawTopics();
  }

  #drawTopics() {
    const names = ["", ...this.#notes.topics.keys()];
    if (!names.includes(this.#notes.topic)) names.push(this.#notes.topic);
    if (this.#topics.options.length !== names.length) {
      const texts = names.map((name) => el("option", { value: name }, this.#nameOf(name)));
      this.#topics.replaceChildren(...texts);
    }
    this.#topics.value = this.#notes.topic;
  }

  /** @param {string} topic */
  #nameOf(topic) {
    if (!topic) return t("notes.topic.all");
    return this.#notes.topics.get(topic)?.description || topic;
  }

  /** @param {Note} note */
  #row(note) {
    let row = this.#rows.get(keyOf(note));
    if (!row) this.#rows.set(keyOf(note), (row = this.#made(note)));
    if (row.hasAttribute("data-unseen") === Boolean(note.viewed)) {
      attribute(row, "data-unseen", !note.viewed);
      row.querySelector(".new")?.toggleAttribute("hidden", Boolean(note.viewed));
      row.querySelector("button")?.toggleAttribute("hidden", Boolean(note.viewed));
    }
    return row;
  }

  /** @param {Note} note */
  #made(note) {
    const [title, text] = textOf(note);
    const seen = () => this.#try(this.#notes.view(note));
    return el(
      "li",
      { data: { type: typeOf(note), id: note.id, unseen: true } },
      typeMark(note, el("span", { class: "new" }, t("notes.new"))),
      heading(note, (plugin) => this.#session.has(plugin), seen),
      el("time", { datetime: note.at, title: when("moment", note.at) }, when("short", note.at)),
      text && el("p", {}, text),
      el(
        "p",
        { class: "from faint" },
        this.#nameOf(note.topic),
        note.sender_name && ` · ${note.sender_name}`,
      ),
      el(
        "button",
        {
          class: "plain",
          title: t("notes.seen"),
          "aria-label": t("notes.seen.of", { title }),
          on: { click: seen },
        },
        icon("check"),
      ),
    );
  }

  #forget() {
    const known = new Set(this.#notes.list.map(keyOf));
    for (const key of this.#rows.keys()) if (!known.has(key)) this.#rows.delete(key);
  }

  #choose() {
    this.#notes.choose(this.#topics.value);
  }

  /** At least one that is to be shown, if there is one soon. */
  async #readOlder() {
    const unseen = () => this.#notes.list.filter(({ viewed }) => !viewed).length;
    const before = unseen();
    for (let tried = 0; tried < TRIES && this.#notes.more; tried += 1) {
      await this.#notes.older();
      if (!this.#unseen.checked || unseen() > before) return;
    }
  }

  /** @param {Promise<void>} going */
  async #try(going) {
    try {
      await going;
    } catch (problem) {
      this.#said.textContent = because(problem);
    }
  }
}

/** A server whose log went back gives an id to another one. @param {Note} note */
const keyOf = ({ id, at }) => `${id} ${at}`;

customElements.define("chat-note-list", NoteList);
