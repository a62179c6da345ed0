// @ts-check
/** <chat-admin-notification>: tells something to everybody, to some people, or to a group. */
import { el, View } from "../dom.js";
import { People } from "../rooms/people.js";
import { t } from "../words.js";
import { field } from "./cells.js";
import { sheet } from "./sheet.js";

const PATH = "/plugins/notifications";
const TYPES = ["info", "success", "warning", "danger"];
const WHOM = ["everybody", "people", "group"];
const KNOWN = "admin-known-topics";
const LINK = "(https?://|/(?!/)).*"; // as the server has it

export class Notification extends View {
  #topics = el("datalist", { id: KNOWN });
  #topic = el("input", { required: true, maxlength: 128, pattern: "[^:,]+", list: KNOWN });
  #text = el("textarea", { required: true, rows: 3, maxlength: 4000 });
  #type = el("select", {}, ...TYPES.map((type) => el("option", { value: type }, t(`notes.${type}`))));
  #title = el("input", { maxlength: 255 });
  #link = el("input", { maxlength: 2000, pattern: LINK, placeholder: "https://… /orders" });
  #alert = el("input", { type: "checkbox", checked: true });
  #persist = el("input", { type: "checkbox", checked: true });
  #group = el("input", { maxlength: 64, required: true });
  #whom = WHOM[0];
  #who = el("div");
  #people;
  #rest;

  /** @param {import("../session.js").Session} session */
  constructor({ rest }) {
    super();
    this.#rest = rest;
    const people = (/** @type {any} */ query) => rest.get("/people", query);
    this.#people = new People(/** @type {any} */ ({ people }));
  }

  open() {
    const what = { action: t("admin.send"), done: t("admin.sent"), send: () => this.#send() };
    const form = sheet(
      what,
      field("topic", this.#topic, t("admin.topic.note")),
      this.#topics,
      field("text", this.#text),
      el("div", { class: "pair" }, field("type", this.#type), field("title", this.#title)),
      field("link", this.#link, t("admin.link.note")),
      el("fieldset", {}, el("legend", {}, t("admin.whom")), ...WHOM.map((whom) => this.#choice(whom)), this.#who),
      el("label", { class: "check" }, this.#alert, t("admin.alert")),
      el("label", { class: "check" }, this.#persist, t("admin.persist")),
    );
    this.show(el("header", {}, el("h2", {}, t("admin.notification.title"))), form);
    this.#known();
  }

  /** The topics that there are; without them one types what one likes. */
  async #known() {
    const { topics } = await this.#rest.get(`${PATH}/topics`).catch(() => ({ topics: [] }));
    const option = (/** @type {any} */ { topic, description }) => el("option", { value: topic }, description);
    this.#topics.replaceChildren(...topics.map(option));
  }

  /** @param {string} whom */
  #choice(whom) {
    const change = () => {
      this.#whom = whom;
      this.#who.replaceChildren(...this.#more());
    };
    const box = el("input", { type: "radio", name: "whom", checked: whom === this.#whom, on: { change } });
    return el("label", { class: "check" }, box, t(`admin.whom.${whom}`));
  }

  /** What else must be said to say whom. */
  #more() {
    if (this.#whom === "people") return [this.#people];
    return this.#whom === "group" ? [field("group", this.#group)] : [];
  }

  async #send() {
    await this.#rest.post(`${PATH}/notifications`, {
      topic: this.#topic.value.trim(),
      message: { message: this.#text.value },
      type: this.#type.value,
      title: this.#title.value.trim() || null,
      link: this.#link.value.trim() || null,
      show_alert: this.#alert.checked,
      persist: this.#persist.checked,
      ...(this.#whom === "people" && { users: [...this.#people.chosen.keys()] }),
      ...(this.#whom === "group" && { group: this.#group.value.trim() }),
    });
    this.#text.value = "";
  }
}

customElements.define("chat-admin-notification", Notification);
