// @ts-check
/** The notifications of a person, and what he wants of their topics. */
import { ChatEvent } from "../../client.js";

/**
 * @typedef {import("../../client.js").Chat} Chat
 * @typedef {import("../../client.js").ChatError} ChatError
 * @typedef {import("../../client/types.js").Message} Message
 * @typedef {import("../../client/types.js").Signal} Signal
 *
 * @typedef {object} Note  a notification
 * @property {string} id
 * @property {string} topic
 * @property {string | null} sender_name
 * @property {string} at
 * @property {Record<string, any>} message
 * @property {string | null} title
 * @property {string | null} link
 * @property {string} type
 * @property {boolean} show_alert
 * @property {boolean} alert_no_auto_hide
 * @property {boolean} persist
 * @property {string | null} viewed  when
 *
 * @typedef {object} Wish  what he wants of a topic; null where he has said nothing
 * @property {string} topic
 * @property {string | null} description
 * @property {boolean | null} receive
 * @property {boolean | null} all
 * @property {boolean} mute
 * @property {boolean} default  whether it comes where he has said nothing
 */

const PATH = "/plugins/notifications";
const PAGE = 50; // notifications of one answer
const OLDER = 200;
const FURTHEST = 10_000; // where the server's list ends
const COUNTED = 1000; // as far as the server counts
const SOON = 100; // ms; what comes within them is told at once
const AGAIN = 5000; // ms, after a failure
const KEPT = 1000; // in the list, unless he has asked for older ones

/** What a notification may leave out. */
const NOTHING = {
  message: {},
  title: null,
  link: null,
  type: "info",
  show_alert: false,
  alert_no_auto_hide: false,
  persist: false,
};

/**
 * Events: `change` of anything, a moment later and not for each; `note`, one has come; `viewed`, some
 * have been seen, here or elsewhere: their ids, or null for all.
 */
export class Notes extends EventTarget {
  /** @type {Note[]} those that are listed, newest first; of one topic where one is chosen */
  list = [];
  /** There are older ones. */
  more = false;
  /** How many of all he has not seen; a thousand stands for more, too. */
  unviewed = 0;
  /** Of which topic alone they are listed; empty for all. */
  topic = "";
  /** @type {Map<string, Wish>} */
  topics = new Map();
  /** @type {ChatError | null} why they could not be read */
  problem = null;
  /** They have been read once. */
  known = false;
  /** @type {Promise<void> | null} */
  #loading = null;
  #stale = false;
  #kept = KEPT;
  /** @type {Note[]} that came while the server was asked */
  #meanwhile = [];
  #counted = 0; // the newest one that the server's count has
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;

  /** @param {Chat} chat @param {import("../../client/types.js").User} user */
  constructor(chat, user) {
    super();
    this.chat = chat;
    this.user = user;
  }

  // What there is

  /** Reads them anew, at each connection: what was seen elsewhere meanwhile is told by nothing else. */
  load() {
    this.#stale = true;
    this.#loading ??= this.#readWhileStale().finally(() => {
      this.#loading = null;
      this.#tell();
    });
    return this.#loading;
  }

  async #readWhileStale() {
    while (this.#stale) {
      this.#stale = false;
      this.#meanwhile = [];
      try {
        await this.#read();
        this.problem = null;
        this.known = true;
      } catch (problem) {
        this.problem = /** @type {ChatError} */ (problem);
        setTimeout(() => this.#retry(), AGAIN);
      }
    }
  }

  #retry() {
    if (this.problem?.passing && this.chat.state === "open") this.load();
  }

  async #read() {
    const { topic } = this;
    const [all, chosen, { topics }] = await Promise.all([
      this.#ask({ limit: topic ? 1 : PAGE }),
      topic ? this.#ask({ limit: PAGE, topic }) : null,
      this.chat.rest.get(`${PATH}/topics`),
    ]);
    if (topic !== this.topic) return; // another was chosen meanwhile
    const listed = (chosen ?? all).notifications;
    const later = this.#meanwhile.filter((note) => note.persist);
    this.#counted = Number(all.notifications[0]?.id ?? 0);
    this.unviewed = all.unviewed + later.filter((note) => this.#isNewer(note)).length;
    this.list = listed;
    this.more = listed.length === PAGE;
    this.#kept = KEPT;
    for (const note of later) this.#put(note);
    this.topics = new Map(topics.map((/** @type {Wish} */ wish) => [wish.topic, wish]));
  }

  /**
   * @param {Record<string, string | number>} query
   * @returns {Promise<{notifications: Note[], unviewed: number}>}
   */
  #ask(query) {
    return this.chat.rest.get(`${PATH}/notifications`, query);
  }

  /** Reads further back. */
  async older() {
    const { list, topic } = this;
    const query = { limit: OLDER, start: list.length, ...(topic && { topic }) };
    const { notifications } = await this.#ask(query);
    if (list !== this.list) return; // they were read anew meanwhile
    const known = new Set(list.map(({ id }) => id)); // some have moved on, where new ones came
    list.push(...notifications.filter(({ id }) => !known.has(id)));
    this.more = notifications.length === OLDER && list.length < FURTHEST;
    this.#kept = Math.max(KEPT, list.length);
    this.#tell();
  }

  /** Lists those of one topic, or of all. @param {string} topic */
  choose(topic) {
    this.topic = topic;
    this.list = [];
    this.more = false;
    this.known = false;
    this.#tell();
    return this.load();
  }

  // What comes

  /** A notification. @param {Message} message */
  take({ id, topic, sender_name, at, data }) {
    const said = { ...NOTHING, ...data, id, topic, sender_name, at, viewed: null };
    const note = /** @type {Note} */ (said);
    if (note.persist) {
      if (this.#loading) this.#meanwhile.push(note);
      if (this.#isNewer(note)) this.unviewed += 1;
      this.#put(note);
      this.#tell();
    }
    this.dispatchEvent(new ChatEvent("note", note));
  }

  /** Than what the server has counted. @param {Note} note */
  #isNewer({ id }) {
    return Number(id) > this.#counted;
  }

  /** Lists it, once. @param {Note} note */
  #put(note) {
    if (this.topic && note.topic !== this.topic) return;
    const there = this.list.findIndex(({ id }) => Number(id) <= Number(note.id));
    if (this.list[there]?.id === note.id) return;
    this.list.splice(there < 0 ? this.list.length : there, 0, note);
    if (this.list.length > this.#kept) this.more = Boolean(this.list.pop());
  }

  /** A signal: what the house tells of oneself, and nobody else can. @param {Signal} signal */
  hear({ topic, name, sender, data }) {
    if (sender !== this.user.user_id) return;
    if (name === "viewed") {
      const ids = data.all ? null : /** @type {string[]} */ (data.ids);
      const listed = new Set(this.list.map(({ id }) => id));
      const sure = this.unviewed < COUNTED && ids?.every((id) => listed.has(id));
      this.#see(ids);
      if (!sure) this.load(); // of older ones only the server knows
    } else if (name === "preference") {
      this.#prefer({ ...this.#wish(topic), ...data });
    }
  }

  // Seen

  /** He has seen these. Those that are not listed anywhere are known here alone. @param {Note[]} notes */
  async view(...notes) {
    const ids = notes.filter((note) => note.persist && !note.viewed).map(({ id }) => id);
    if (!ids.length) return;
    this.#see(ids);
    await this.#post({ ids });
  }

  /** He has seen all. */
  async viewAll() {
    this.#see(null);
    await this.#post({ all: true });
  }

  /** @param {Record<string, any>} body */
  async #post(body) {
    try {
      await this.chat.rest.post(`${PATH}/viewed`, body);
    } catch (problem) {
      this.load(); // the truth
      throw problem;
    }
  }

  /** @param {string[] | null} ids  null: all */
  #see(ids) {
    const some = ids && new Set(ids);
    const marked = this.list.filter((note) => !note.viewed && (!some || some.has(note.id)));
    for (const note of marked) note.viewed = new Date().toISOString();
    this.unviewed = some ? Math.max(0, this.unviewed - marked.length) : 0;
    if (this.#loading) this.#stale = true; // what is being read may be from before
    this.dispatchEvent(new ChatEvent("viewed", ids));
    this.#tell();
  }

  // What he wants

  /** Whether it comes to him. @param {Wish} wish */
  receives({ receive, all, default: unsaid }) {
    return receive ?? (all || unsaid);
  }

  /** No toasts of it. @param {string} topic */
  muted(topic) {
    return this.topics.get(topic)?.mute ?? false;
  }

  /** Rejects where the server does not have it. @param {string} topic @param {Partial<Wish>} part */
  async prefer(topic, part) {
    const { receive, all, mute } = { ...this.#wish(topic), ...part };
    const path = `${PATH}/preferences/${encodeURIComponent(topic)}`;
    const { preference } = await this.chat.rest.put(path, { receive, all, mute });
    this.#prefer({ ...this.#wish(topic), ...preference });
  }

  /** @param {string} topic @returns {Wish} */
  #wish(topic) {
    const nothing = { receive: null, all: null, mute: false, default: true };
    return this.topics.get(topic) ?? { topic, description: null, ...nothing };
  }

  /** @param {Wish} wish */
  #prefer(wish) {
    const before = this.receives(this.#wish(wish.topic));
    this.topics.set(wish.topic, wish);
    if (this.receives(wish) !== before) this.load(); // others are listed and counted
    if (this.#loading) this.#stale = true;
    this.#tell();
  }

  #tell() {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      this.dispatchEvent(new Event("change"));
    }, SOON);
  }
}
