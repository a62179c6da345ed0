// @ts-check
/** <chat-admin-plugins>: what runs in the server, and how it does; <chat-admin-plugin>: one of them. */
import { el } from "../dom.js";
import { href } from "../route.js";
import { t } from "../words.js";
import { mark } from "./cells.js";
import { Live } from "./live.js";
import { Table } from "./table.js";

/**
 * @typedef {import("../session.js").Session} Session
 * @typedef {{count: number, failures: number, longest: number, held: number, set_aside: boolean}} Calls
 */

const NUMBERS = [
  number("calls", ({ count }) => count),
  number("failures", ({ failures }) => failures),
  number("held", ({ held }) => held),
  number("longest", ({ longest }) => time(longest)),
];
const LASTS = /^(task$|source\.)/; // as long as the plugin runs, if all is well
const MANY_S = 10; // from there on nobody counts milliseconds

class Health extends Live {
  /** @param {Session} session */
  constructor(session) {
    super();
    this.session = session;
  }

  /** @param {AbortSignal} signal */
  async ask(signal) {
    const { plugin_health: health } = await this.session.rest.request("GET", "/admin/plugins", { signal });
    return Object.entries(health).map(([name, each]) => ({ name, ...each, ...sum(each) }));
  }
}

export class Plugins extends Health {
  #table = new Table(
    t("admin.plugins"),
    [
      { name: "plugin", show: link, of: ({ name }) => name },
      { name: "version", show: ({ version }) => version || "–" },
      { name: "state", show: state, of: (row) => `${row.set_aside} ${row.failures} ${row.lost_events}` },
      ...NUMBERS,
    ],
    ({ name }) => name,
  );

  open() {
    const head = el("header", {}, el("h2", {}, t("admin.plugins")));
    this.show(head, this.problem, ...this.#table.parts, this.at);
    super.open();
  }

  /** @param {any[]} plugins */
  draw(plugins) {
    this.#table.draw(plugins);
  }
}

export class Plugin extends Health {
  #facts = el("dl", { class: "facts" });
  #table = new Table(
    t("admin.calls"),
    [
      { name: "hook", show: ({ name }) => name },
      { name: "state", show: state, of: (row) => `${row.set_aside} ${row.failures}` },
      ...NUMBERS,
    ],
    ({ name }) => name,
  );
  #name;

  /** @param {Session} session @param {string} name */
  constructor(session, name) {
    super(session);
    this.#name = name;
  }

  open() {
    const back = el("a", { href: href("admin", "plugins") }, t("admin.all_plugins"));
    const head = el("header", {}, el("h2", {}, this.#name), back);
    this.show(head, this.problem, this.#facts, ...this.#table.parts, this.at);
    super.open();
  }

  /** @param {any[]} plugins */
  draw(plugins) {
    const found = plugins.find(({ name }) => name === this.#name);
    this.#facts.replaceChildren(
      ...fact("version", found?.version),
      ...fact("kinds", found?.kinds.map((/** @type {string} */ kind) => kind || t("admin.plain")).join(", ")),
      ...fact("mount", found?.mount),
      ...fact("lost", found?.lost_events),
    );
    const rows = Object.entries(found?.calls ?? {}).map(([name, each]) => ({ name, ...each }));
    this.#table.draw(rows);
  }
}

/**
 * All calls together; the longest of those that are to end.
 *
 * @param {{calls: Record<string, Calls>}} health @returns {Calls}
 */
function sum({ calls }) {
  const all = Object.values(calls);
  const ending = Object.entries(calls).filter(([name]) => !LASTS.test(name));
  const added = (/** @type {"count" | "failures" | "held"} */ name) => all.reduce((sum, each) => sum + each[name], 0);
  return {
    count: added("count"),
    failures: added("failures"),
    held: added("held"),
    longest: Math.max(0, ...ending.map(([, { longest }]) => longest)),
    set_aside: all.some(({ set_aside: aside }) => aside),
  };
}

/** @param {{name: string}} plugin */
function link({ name }) {
  return el("a", { href: href("admin", "plugins", name) }, name);
}

/** @param {string} name @param {(row: any) => string | number} show */
function number(name, show) {
  return { name, show, number: true };
}

/** @param {number} seconds */
function time(seconds) {
  if (seconds >= MANY_S) return t("admin.seconds", { count: Math.round(seconds) });
  return t("admin.ms", { count: Math.ceil(seconds * 1000) });
}

/** @param {{set_aside: boolean, failures: number, lost_events?: number}} row */
function state({ set_aside: aside, failures, lost_events: lost }) {
  if (aside) return mark("bad", t("admin.aside"));
  return failures || lost ? mark("warn", t("admin.failing")) : mark("good", t("admin.well"));
}

/** @param {string} name @param {string | number | undefined} value */
function fact(name, value) {
  return value === undefined || value === "" ? [] : [el("dt", {}, t(`admin.${name}`)), el("dd", {}, value)];
}

customElements.define("chat-admin-plugins", Plugins);
customElements.define("chat-admin-plugin", Plugin);
