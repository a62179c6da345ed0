// @ts-check
/** <chat-toasts>: notifications that ask for attention, over whatever is shown. */
import { el, icon, View } from "../dom.js";
import { href } from "../route.js";
import { say } from "../say.js";
import { t } from "../words.js";
import { Alerts } from "./alerts.js";
import { heading, textOf, typeMark, typeOf } from "./note.js";

/** @typedef {import("./notes.js").Note} Note */

const PLACES = 3;
const NARROW = matchMedia("(max-width: 45rem)");
const POINTS = matchMedia("(hover: hover)"); // elsewhere what was touched stays hovered
const STEP = 500; // ms
const STAYS = 7000;
const LETTER = 40; // ms more for each

export class Toasts extends View {
  /** @type {Map<Note, HTMLElement>} */
  #toasts = new Map();
  /** @type {Map<Note | null, number>} ms left; null: the line of how many more */
  #left = new Map();
  #more = el("a", { href: href("notes"), on: { click: () => this.#alerts.forget() } });
  #rest = el(
    "div",
    { class: "toast rest", hidden: true },
    this.#more,
    closing(t("notes.more.close"), () => this.#alerts.forget()),
  );
  #alerts;
  #session;

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.#session = session;
    this.#alerts = new Alerts(session.notes, () => (NARROW.matches ? 1 : PLACES));
  }

  open() {
    const { notes } = this.#session;
    this.show(el("div", { class: "toasts" }, this.#rest));
    this.listen(notes, "note", ({ detail }) => this.#alerts.take(detail));
    this.listen(notes, "viewed", ({ detail }) => this.#alerts.seen(detail));
    this.listen(this.#alerts, "change", () => this.#draw());
    this.listen(this, "keydown", (event) => this.#key(event));
    const ticking = setInterval(() => this.#tick(), STEP);
    this.gone.addEventListener("abort", () => clearInterval(ticking));
  }

  #draw() {
    const { shown, more } = this.#alerts;
    for (const [note, toast] of this.#toasts) if (!shown.includes(note)) this.#drop(note, toast);
    for (const note of shown) if (!this.#toasts.has(note)) this.#add(note);
    if (more && !this.#left.has(null)) this.#left.set(null, STAYS);
    if (!more) this.#left.delete(null);
    this.#rest.hidden = !more;
    if (more) this.#more.textContent = t("notes.more", { count: more });
  }

  /** @param {Note} note */
  #add(note) {
    const [title, text] = textOf(note);
    const danger = note.type === "danger";
    const seen = () => this.#seen(note);
    const toast = el(
      "div",
      { class: "toast", role: danger && "alert", data: { type: typeOf(note), id: note.id } },
      typeMark(note),
      heading(note, (plugin) => this.#session.has(plugin), seen),
      text && el("p", {}, text),
      closing(t("notes.close", { title }), seen),
    );
    this.#toasts.set(note, toast);
    if (!danger) say(text ? `${title}: ${text}` : title); // an alert is heard by itself
    const stays = STAYS + LETTER * (title.length + text.length);
    if (!note.alert_no_auto_hide) this.#left.set(note, stays);
    this.#rest.before(toast);
  }

  /** @param {Note} note @param {HTMLElement} toast */
  #drop(note, toast) {
    const next = toast.nextElementSibling?.querySelector("button");
    const focused = toast.contains(document.activeElement);
    toast.remove();
    this.#toasts.delete(note);
    this.#left.delete(note);
    if (focused && next?.checkVisibility()) next.focus();
    else if (focused) document.getElementById("content")?.focus();
  }

  /** He has closed or followed it. @param {Note} note */
  #seen(note) {
    this.#alerts.close(note);
    this.#session.notes.view(note).catch(() => {}); // it is listed as not seen again
  }

  /** Time does not pass for who points at one or has come by keys, nor for who looks elsewhere. */
  #tick() {
    const looked = (POINTS.matches && this.matches(":hover")) || this.querySelector(":focus-visible");
    if (!this.#left.size || document.hidden || looked) return;
    for (const [note, left] of this.#left) {
      if (left > STEP) this.#left.set(note, left - STEP);
      else if (note) this.#alerts.close(note);
      else if (!this.#toasts.size) this.#alerts.forget(); // it goes last
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.key === "Escape") target.closest(".toast")?.querySelector("button")?.click();
  }
}

/** @param {string} name @param {() => void} close */
function closing(name, close) {
  const look = { class: "plain", "aria-label": name, title: t("app.close") };
  return el("button", { ...look, on: { click: close } }, icon("close"));
}

customElements.define("chat-toasts", Toasts);
