// @ts-check
/** <chat-admin-keys>: the keys of one person; a new one is shown once. */
import { copyButton } from "../copy.js";
import { ask } from "../dialog.js";
import { el } from "../dom.js";
import { t } from "../words.js";
import { button, field, mark, moment } from "./cells.js";
import { Live } from "./live.js";
import { Table } from "./table.js";

/** @typedef {{id: string, name: string, configured: boolean, current: boolean}} Key */

const DAYS = ["", "1", "30", "365", "0"]; // as configured; and for ever

export class Keys extends Live {
  #table = new Table(
    t("admin.keys"),
    [
      { name: "key", show: ({ name, id }) => name || id },
      moment("created"),
      moment("expires", t("admin.never")),
      { name: "state", show: kind, of: (row) => `${row.current} ${row.configured}` },
      {
        name: "",
        show: (row) => button(t("admin.revoke"), () => this.#revoke(row), revoking(row)),
        of: ({ id }) => id,
      },
    ],
    ({ id }) => id,
  );
  #rest;
  #path;

  /** @param {import("../session.js").Session} session @param {string} path  of the person */
  constructor({ rest }, path) {
    super();
    this.#rest = rest;
    this.#path = `${path}/keys`;
  }

  open() {
    const add = button(t("admin.new_key"), () => this.#add());
    this.show(el("header", {}, el("h3", {}, t("admin.keys")), add), this.problem, ...this.#table.parts, this.at);
    super.open();
  }

  /** @param {AbortSignal} signal */
  ask(signal) {
    return this.#rest.request("GET", this.#path, { signal });
  }

  /** @param {{keys: Key[]}} found */
  draw({ keys }) {
    this.#table.draw(keys);
  }

  async #add() {
    const name = el("input", { maxlength: 64, autocomplete: "off" });
    const lives = el("select", {}, ...DAYS.map((days) => el("option", { value: days }, lifetime(days))));
    let made = { key: "" };
    const send = async () => {
      const days = lives.value === "" ? null : Number(lives.value);
      made = await this.#rest.post(this.#path, { name: name.value.trim(), days });
    };
    const question = { title: t("admin.new_key"), action: t("admin.new_key"), send };
    const fields = [field("key_name", name, t("admin.key.note")), field("key_days", lives)];
    if (!(await ask(question, ...fields))) return;
    this.read();
    const key = el("input", { class: "key", readonly: true, is: { value: made.key } });
    const once = el("p", { class: "note" }, t("admin.key.once"));
    await ask({ title: t("admin.key.made") }, once, field("key", key), el("div", {}, copyButton(made.key)));
  }

  /** @param {Key} key */
  async #revoke(key) {
    const question = {
      title: revoking(key),
      action: t("admin.revoke"),
      danger: true,
      send: () => this.#rest.delete(`${this.#path}/${key.id}`),
    };
    const about = t(key.current ? "admin.revoke.own" : "admin.revoke.sure");
    if (await ask(question, el("p", {}, about))) this.read();
  }
}

/** @param {Key} key */
function revoking({ id, name }) {
  return t("admin.revoke.of", { name: name || id });
}

/** @param {string} days */
function lifetime(days) {
  if (!days) return t("admin.days.usual");
  return days === "0" ? t("admin.never") : t("admin.days", { count: Number(days) });
}

/** @param {Key} key */
function kind({ current, configured }) {
  if (current) return mark("info", t("admin.current"));
  return configured ? mark("info", t("admin.configured")) : "–";
}

customElements.define("chat-admin-keys", Keys);
