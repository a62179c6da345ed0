// @ts-check
/** <chat-admin-notification>: tells something to everybody, to some people, or to a group. */
import { el, View } from "../dom.js";
import { failure } from "../loading.js";
import { People } from "../rooms/people.js";
import { say } from "../say.js";
import { t } from "../words.js";
import { field } from "./cells.js";

const PATH = "/plugins/notifications";
const TYPES = ["info", "success", "warning", "danger"];
const WHOM = ["everybody", "people", "group"];
const LINK = "(https?://|/(?!/)).*"; // as the server has it

export class Notification extends View {
  #topics = el("datalist", { id: "admin-known-topics" });
  #topic = el("input", { required: true, maxlength: 128, pattern: "[^:,]+", list: "admin-known-topics", autocomplete: "off" });
  #text = el("textarea", { required: true, rows: 3, maxlength: 4000 });
  #type = el("select", {}, ...TYPES.map((type) => el("option", { value: type }, t(`notes.${type}`))));
  #title = el("input", { maxlength: 255 });
  #link = el("input", { maxlength: 2000, pattern: LINK, placeholder: "https://… /orders" });
  #alert = el("input", { type: "checkbox", is: { checked: true } });
  #persist = el("input", { type: "checkbox", is: { checked: true } });
  #group = el("input", { maxlength: 64, required: true });
  #said = el("div");
  #whom = "everybody";
  #who = el("div");
  #session;
  /** @type {People} */
  #people;

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.#session = session;
    this.#people = this.#nobody();
  }

  open() {
    this.show(
      el("header", {}, el("h2", {}, t("admin.notification.title"))),
      el(
        "form",
        { class: "sheet", on: { submit: (/** @type {Event} */ event) => this.#submit(event) } },
        field("topic", this.#topic, t("admin.topic.note")),
        this.#topics,
        field("text", this.#text),
        el("div", { class: "pair" }, field("type", this.#type), field("title", this.#title)),
        field("link", this.#link, t("admin.link.note")),
        el("fieldset", {}, el("legend", {}, t("admin.whom")), ...WHOM.map((whom) => this.#choice(whom)), this.#who),
        el("label", { class: "check" }, this.#alert, t("admin.alert")),
        el("label", { class: "check" }, this.#persist, t("admin.persist")),
        this.#said,
        el("div", { class: "actions" }, el("button", { class: "main", type: "submit" }, t("admin.send"))),
      ),
    );
    this.#known();
  }

  /** The topics that there are. */
  async #known() {
    const { topics } = await this.#session.rest.get(`${PATH}/topics`).catch(() => ({ topics: [] }));
    this.#topics.replaceChildren(
      ...topics.map((/** @type {any} */ each) => el("option", { value: each.topic }, each.description)),
    );
  }

  #nobody() {
    const people = (/** @type {any} */ query) => this.#session.rest.get("/people", query);
    return new People(/** @type {any} */ ({ people }));
  }

  /** @param {string} whom */
  #choice(whom) {
    const change = () => this.#choose(whom);
    const box = el("input", { type: "radio", name: "whom", on: { change }, is: { checked: whom === this.#whom } });
    return el("label", { class: "check" }, box, t(`admin.whom.${whom}`));
  }

  /** @param {string} whom */
  #choose(whom) {
    this.#whom = whom;
    const more = { everybody: [], people: [this.#people], group: [field("group", this.#group)] };
    this.#who.replaceChildren(...more[/** @type {keyof more} */ (whom)]);
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    try {
      await this.#session.rest.post(`${PATH}/notifications`, this.#body());
      this.#text.value = "";
      this.#said.replaceChildren(el("p", { class: "saved" }, t("admin.sent")));
      say(t("admin.sent"));
    } catch (problem) {
      this.#said.replaceChildren(failure(problem));
    } finally {
      form.ariaBusy = "false";
    }
  }

  #body() {
    return {
      topic: this.#topic.value.trim(),
      message: { message: this.#text.value },
      type: this.#type.value,
      title: this.#title.value.trim() || null,
      link: this.#link.value.trim() || null,
      show_alert: this.#alert.checked,
      persist: this.#persist.checked,
      ...(this.#whom === "people" && { users: [...this.#people.chosen.keys()] }),
      ...(this.#whom === "group" && { group: this.#group.value.trim() }),
    };
  }
}

customElements.define("chat-admin-notification", Notification);
