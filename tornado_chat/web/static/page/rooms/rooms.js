// @ts-check
/**
 * The rooms that one is in. What the server says of a room replaces what was known of it; what came
 * while it was asked is then taken again, so that nothing is lost or counted twice.
 */
import { Outbox } from "./outbox.js";
import { RoomRest } from "./rest.js";
import { textOf } from "./text.js";

/**
 * @typedef {import("../../client/types.js").Message} Message
 * @typedef {import("../../client/types.js").Signal} Signal
 * @typedef {import("./rest.js").Room} Room  a new object where anything of it has changed
 */

const SOON_MS = 200; // what is said of a room within them is read at once
const CROWD_MS = 10; // a member: within so long all of a room have asked for it again
const AGAIN_MS = 5000; // until they are asked for again

/** Event `change`. */
export class Rooms extends EventTarget {
  /** There are older ones that were not read. */
  more = false;
  /** They were read once. */
  loaded = false;
  /** @type {import("../../client.js").ChatError | null} why they could not be read */
  problem = null;
  /** @type {Set<string>} who of the others in one-to-one rooms was online at the last look */
  online = new Set();
  /** @type {Map<string, Room>} */
  #known = new Map();
  /** @type {string[]} ids of those that one has not left, newest activity first */
  #order = [];
  /** @type {string[] | null} ids of those that were searched for */
  #found = null;
  #sought = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  /** @type {Map<string, boolean>} ids of those that are about to be read: whether one may be out */
  #changing = new Map();
  /** @type {Set<(() => void)[]>} what has come, for each time the server is asked */
  #asking = new Set();

  /** @param {import("../../client/chat.js").Chat} chat @param {import("../../client/types.js").User} user */
  constructor(chat, user) {
    super();
    this.chat = chat;
    this.user = user;
    this.rest = new RoomRest(chat.rest);
    this.outbox = new Outbox(chat, user.user_id);
  }

  // What there is

  /** Newest activity first; those that were searched for, while there is a search. */
  get list() {
    const all = (this.#found ?? this.#order).map((id) => this.#known.get(id));
    return /** @type {Room[]} */ (all.filter(Boolean));
  }

  /** Messages of others, in all rooms. */
  get unread() {
    return this.#order.reduce((sum, id) => sum + (this.#known.get(id)?.unread ?? 0), 0);
  }

  /** @param {string} id */
  get(id) {
    return this.#known.get(id);
  }

  /** The other one in a one-to-one room. @param {Room} room */
  other({ one_to_one, members }) {
    return one_to_one ? members.find(({ user_id }) => user_id !== this.user.user_id) : undefined;
  }

  // What is read

  /** Reads them anew: at the start, and where something was missed. */
  async load() {
    await this.#ask(
      () => this.#pages(this.#order.length),
      ({ rooms, more }) => {
        this.#order = [];
        this.#append(rooms);
        this.more = more;
        this.loaded = true;
      },
    );
    clearTimeout(this.#again);
    if (this.problem) {
      const again = () => this.chat.state === "open" && this.load(); // else at the next connection
      if (this.problem.passing) this.#again = setTimeout(again, AGAIN_MS);
      return;
    }
    if (this.#sought) await this.search(this.#sought);
    await this.look();
  }

  /** @param {number} wanted  at least so many, if there are */
  async #pages(wanted) {
    const all = await this.rest.list({});
    while (all.more && all.rooms.length < wanted) {
      const { rooms, more } = await this.rest.list({ start: all.rooms.length });
      all.rooms.push(...rooms);
      all.more = more;
    }
    return all;
  }

  /** Reads those that follow. */
  async next() {
    if (this.#found || !this.more) return;
    this.more = false; // one page at a time
    await this.#ask(
      () => this.rest.list({ start: this.#order.length }),
      ({ rooms, more }) => {
        this.#append(rooms);
        this.more = more;
      },
    );
    this.more ||= this.problem !== null;
    await this.look();
  }

  /** Lists those alone that the server finds; all again where there is no text. @param {string} text */
  async search(text) {
    this.#sought = text;
    if (!text) {
      this.#found = null;
      this.#changed();
      return;
    }
    await this.#ask(
      () => this.rest.list({ search: text }),
      ({ rooms }) => {
        if (this.#sought !== text) return; // he has typed on
        rooms.forEach((room) => this.#set(room));
        this.#found = rooms.map(({ room_id }) => room_id);
      },
    );
  }

  /** Reads one of them. @param {string} id @param {boolean} [gone]  it may be one's own no longer */
  async read(id, gone = false) {
    await this.#ask(
      () => (gone ? this.rest.find(id) : this.rest.get(id)),
      (room) => (room ? this.know(room) : this.#drop(id)),
    );
  }

  /** Looks who of the others is online. */
  async look() {
    const others = this.#order.map((id) => this.other(/** @type {Room} */ (this.#known.get(id))));
    const ids = others.flatMap((other) => other?.user_id ?? []).slice(0, 100);
    if (!ids.length) return;
    const { people } = await this.rest.people({ ids: ids.join(), limit: 100 }).catch(() => ({ people: [] }));
    this.online = new Set(people.filter(({ online }) => online).map(({ user_id }) => user_id));
    this.#changed();
  }

  /** The server's word of a room. @param {Room} room */
  know(room) {
    this.#set(room);
    this.#list(room);
    this.#changed();
  }

  // What comes

  /** A message of one of them. @param {Message} message @param {boolean} [seen]  he looks at it now */
  take(message, seen = false) {
    this.#do(() => this.#count(message, seen));
  }

  /** A signal. @param {Signal} signal */
  hear({ topic, name, sender, data }) {
    const id = keyOf(topic);
    if (name === "changed") {
      this.#readSoon(id, data.removed === this.user.user_id);
    } else if (name === "seen" && sender === this.user.user_id) {
      this.#do(() => this.#put(id, { unread: data.unread, has_read: data.unread === 0 }));
    } else if (name === "here" && sender === null) {
      if (data.here) this.online.add(data.user_id);
      else this.online.delete(data.user_id);
      this.#changed();
    }
  }

  /** Once, however often somebody says that it has changed. @param {string} id @param {boolean} gone */
  #readSoon(id, gone) {
    const waits = this.#changing.has(id);
    this.#changing.set(id, gone || this.#changing.get(id) === true);
    if (waits) return;
    const crowd = gone ? 0 : (this.#known.get(id)?.member_count ?? 0);
    const read = () => {
      if (this.chat.state !== "closed") this.read(id, this.#changing.get(id));
      this.#changing.delete(id);
    };
    setTimeout(read, SOON_MS + Math.random() * CROWD_MS * crowd);
  }

  /** @param {Message} message @param {boolean} seen */
  #count(message, seen) {
    const { topic, offset, sender } = message;
    const id = keyOf(topic);
    const room = this.#known.get(id);
    if (!room) {
      this.read(id).then(() => {
        this.#front(id);
        this.#changed();
      });
    } else if (offset > room.last_offset) {
      const unread = room.unread + Number(!seen && sender !== this.user.user_id);
      this.#front(id);
      this.#put(id, { active: true, last_offset: offset, last_message: brief(message), unread });
    } else if (offset === room.last_offset && room.last_message?.offset !== offset) {
      this.#put(id, { last_message: brief(message) });
    }
  }

  /** @param {string} id */
  #front(id) {
    if (this.#known.has(id)) this.#order = [id, ...this.#order.filter((each) => each !== id)];
  }

  /** @param {string} id @param {Partial<Room>} changes */
  #put(id, changes) {
    const room = this.#known.get(id);
    if (room) this.#known.set(id, { ...room, ...changes });
    this.#changed();
  }

  /** A page, in its order. @param {Room[]} rooms */
  #append(rooms) {
    rooms.forEach((room) => this.#set(room));
    this.#order = [...new Set([...this.#order, ...rooms.map(({ room_id }) => room_id)])];
  }

  /** @param {Room} room */
  #set(room) {
    const before = this.#known.get(room.room_id)?.last_message;
    this.#known.set(room.room_id, { last_message: before, ...room });
  }

  /** Puts it where it belongs, if it is not there; one in which nobody has said anything is new. @param {Room} room */
  #list({ room_id: id, active, last_offset: offset }) {
    if (!active) this.#order = this.#order.filter((each) => each !== id);
    if (!active || this.#order.includes(id)) return;
    const offsets = this.#order.map((each) => this.#known.get(each)?.last_offset);
    const older = offset ? offsets.findIndex((each) => each && each < offset) : 0;
    this.#order.splice(older < 0 ? this.#order.length : older, 0, id);
  }

  /** @param {string} id */
  #drop(id) {
    this.#known.delete(id);
    this.#order = this.#order.filter((each) => each !== id);
    this.#changed();
  }

  /** Now, and again after each answer that is on its way. @param {() => void} step */
  #do(step) {
    for (const come of this.#asking) come.push(step);
    step();
  }

  /** @template T @param {() => Promise<T>} ask @param {(answer: T) => void} apply */
  async #ask(ask, apply) {
    /** @type {(() => void)[]} */
    const come = [];
    this.#asking.add(come);
    try {
      const answer = await ask();
      this.#asking.delete(come);
      apply(answer);
      for (const step of come) step();
      this.problem = null;
    } catch (problem) {
      this.#asking.delete(come);
      this.problem = /** @type {any} */ (problem);
    }
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {string} topic */
export const keyOf = (topic) => topic.slice(topic.indexOf(":") + 1);

/** @param {Message} message @returns {import("./rest.js").LastMessage} */
function brief({ offset, at, sender, sender_name, data }) {
  return { offset, at, sender, sender_name, content: textOf(data) };
}
