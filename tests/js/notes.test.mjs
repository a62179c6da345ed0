/**
 * What a person knows of his notifications, without a page: what is listed and counted, whatever comes
 * while the server is asked; what was seen elsewhere; and which ones ask for attention.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Alerts } from "../../tornado_chat/web/static/page/notes/alerts.js";
import { Notes } from "../../tornado_chat/web/static/page/notes/notes.js";

const TOPICS = [
  { topic: "Order", description: "Orders", receive: null, all: null, mute: false, default: true },
  { topic: "Stock", description: null, receive: null, all: null, mute: true, default: true },
];

/** The server, as far as it is asked; `held` answers nothing until it is let go. */
class House {
  listed = []; // newest first
  posted = [];
  topics = new Map(TOPICS.map((wish) => [wish.topic, wish]));
  #waiting = [];
  held = false;
  chat = Object.assign(new EventTarget(), { state: "open", rest: this });

  add(id, more = {}) {
    const note = { id: `${id}`, topic: "Order", at: "2026-11-24T10:00:00.000Z", title: `no. ${id}`, ...more };
    const whole = { message: {}, sender_name: null, type: "info", persist: true, viewed: null, ...note };
    if (whole.persist) this.listed.unshift(whole);
    return whole;
  }

  async get(path, { limit = 20, start = 0, topic } = {}) {
    const all = this.listed.filter((note) => !topic || note.topic === topic);
    const notifications = all.slice(start, start + limit).map((note) => ({ ...note }));
    const unviewed = Math.min(this.listed.filter(({ viewed }) => !viewed).length, 1000);
    const topics = [...this.topics.values()];
    if (this.held) await new Promise((go) => this.#waiting.push(go));
    return path.endsWith("/topics") ? { topics } : { notifications, unviewed };
  }

  async post(path, { ids, all }) {
    this.posted.push(all ?? ids);
    for (const note of this.listed) if (all || ids.includes(note.id)) note.viewed = "now";
  }

  async put(path, { receive = null, all = null, mute = false }) {
    const preference = { receive, all, mute }; // all are said anew
    this.prefer(path.split("/").at(-1), preference);
    return { preference };
  }

  prefer(topic, preference) {
    this.topics.set(topic, { ...this.topics.get(topic), ...preference });
  }

  async release() {
    this.held = false;
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** One has come. */
function push(notes, { id, topic, at, sender_name, viewed, ...data }) {
  notes.take({ id, topic, at, sender_name, data });
}

async function loaded(house) {
  const notes = new Notes(house.chat, { user_id: "ann" });
  await notes.load();
  return notes;
}

/** What follows of itself has its turn. */
async function until(true_) {
  for (let n = 0; n < 1000 && !true_(); n += 1) await new Promise((next) => setTimeout(next, 5));
  assert.ok(true_());
}

const ids = ({ list }) => list.map(({ id }) => Number(id));

test("what is listed and what comes is there once, newest first, and counted", async () => {
  const house = new House();
  for (let n = 1; n <= 3; n += 1) house.add(n, n === 1 ? { viewed: "then" } : {});
  const notes = await loaded(house);
  assert.deepEqual([ids(notes), notes.unviewed], [[3, 2, 1], 2]);
  push(notes, house.listed[0]); // it was on its way while the server was asked
  push(notes, house.add(4));
  push(notes, house.add(5, { persist: false }));
  assert.deepEqual([ids(notes), notes.unviewed], [[4, 3, 2, 1], 3]);
});

test("what comes while the server is asked is there once, whether its answer has it or not", async () => {
  const house = new House();
  house.add(1);
  const notes = new Notes(house.chat, { user_id: "ann" });
  house.held = true;
  const loading = notes.load();
  push(notes, house.listed[0]);
  push(notes, house.add(2));
  house.release();
  await loading;
  assert.deepEqual([ids(notes), notes.unviewed], [[2, 1], 2]);
});

test("of one topic only its own are listed, and all are counted", async () => {
  const house = new House();
  for (let n = 1; n <= 4; n += 1) house.add(n, { topic: n % 2 ? "Order" : "Stock" });
  const notes = await loaded(house);
  await notes.choose("Order");
  push(notes, house.listed[0]); // it was on its way while the server was asked
  push(notes, house.add(5));
  push(notes, house.add(6, { topic: "Stock" }));
  assert.deepEqual([ids(notes), notes.unviewed], [[5, 3, 1], 6]);
  await notes.choose("");
  assert.deepEqual([ids(notes), notes.unviewed], [[6, 5, 4, 3, 2, 1], 6]);
});

test("older ones follow without a hole, though new ones have come", async () => {
  const house = new House();
  for (let n = 1; n <= 300; n += 1) house.add(n);
  const notes = await loaded(house);
  assert.deepEqual([notes.list.length, notes.more], [50, true]);
  push(notes, house.add(301));
  await notes.older();
  const late = house.add(302); // it is on its way
  await notes.older();
  push(notes, late);
  assert.deepEqual(ids(notes), Array.from({ length: 302 }, (_, n) => 302 - n));
  assert.equal(notes.more, false);
});

test("the list of who looks at nothing does not grow without end", async () => {
  const house = new House();
  const notes = await loaded(house);
  for (let n = 1; n <= 1500; n += 1) push(notes, house.add(n));
  assert.deepEqual([notes.list.length, notes.list[0].id, notes.more], [1000, "1500", true]);
  assert.equal(notes.unviewed, 1500);
});

test("what is seen is told to the server once, and counted down at once", async () => {
  const house = new House();
  for (let n = 1; n <= 3; n += 1) house.add(n);
  const notes = await loaded(house);
  const gone = [];
  notes.addEventListener("viewed", ({ detail }) => gone.push(detail));
  const seeing = notes.view(notes.list[0]);
  assert.equal(notes.unviewed, 2);
  await seeing;
  await notes.view(notes.list[0]);
  assert.deepEqual(house.posted, [["3"]]);
  notes.hear({ sender: "ann", topic: "Order", name: "viewed", data: { ids: ["3"] } }); // the echo
  notes.hear({ sender: "ann", topic: "Order", name: "viewed", data: { ids: ["2"] } }); // of another tab
  assert.equal(notes.unviewed, 1);
  assert.ok(notes.list[1].viewed);
  assert.deepEqual(gone, [["3"], ["3"], ["2"]]);
  const forged = { sender: "bob", topic: "Order", name: "viewed", data: { all: true } };
  notes.hear(forged);
  assert.equal(notes.unviewed, 1);
  await notes.viewAll();
  assert.deepEqual([notes.unviewed, house.posted.at(-1)], [0, true]);
  assert.ok(notes.list.every(({ viewed }) => viewed));
});

test("of what is seen elsewhere and not listed here only the server knows", async () => {
  const house = new House();
  for (let n = 1; n <= 60; n += 1) house.add(n);
  const notes = await loaded(house);
  await house.post("", { ids: ["1", "60"] });
  notes.hear({ sender: "ann", topic: "Order", name: "viewed", data: { ids: ["1", "60"] } });
  await until(() => notes.unviewed === 58);
});

test("of more than the server counts only the server knows how many are left", async () => {
  const house = new House();
  for (let n = 1; n <= 1200; n += 1) house.add(n);
  const notes = await loaded(house);
  await house.post("", { ids: ["1200"] });
  notes.hear({ sender: "ann", topic: "Order", name: "viewed", data: { ids: ["1200"] } });
  assert.equal(notes.unviewed, 999);
  await until(() => notes.unviewed === 1000);
});

test("what is seen while the server is asked does not come back", async () => {
  const house = new House();
  house.add(1);
  const notes = await loaded(house);
  house.held = true;
  const loading = notes.load();
  await house.post("", { ids: ["1"] });
  notes.hear({ sender: "ann", topic: "Order", name: "viewed", data: { ids: ["1"] } });
  house.release();
  await loading;
  assert.equal(notes.unviewed, 0);
  assert.ok(notes.list[0].viewed);
});

test("what the server refuses is the truth again", async () => {
  const house = new House();
  house.add(1);
  const notes = await loaded(house);
  house.post = async () => {
    throw new Error("no");
  };
  await assert.rejects(notes.view(notes.list[0]));
  await until(() => notes.unviewed === 1 && notes.list[0].viewed === null);
});

test("a wish of another tab is heard, and says all that one has not changed", async () => {
  const house = new House();
  const notes = await loaded(house);
  const [order] = notes.topics.values();
  assert.ok(notes.receives(order));
  for (const said of [{ receive: null, all: false, mute: true }, { receive: false, all: true, mute: true }]) {
    house.held = true;
    const loading = notes.load();
    house.prefer("Order", said);
    notes.hear({ sender: "ann", topic: "Order", name: "preference", data: said });
    house.release();
    await loading;
    assert.ok(notes.muted("Order"));
    assert.equal(notes.receives(notes.topics.get("Order")), said.receive !== false);
  }
  await notes.prefer("Order", { receive: true });
  const wish = { topic: "Order", description: "Orders", receive: true, all: true, mute: true, default: true };
  assert.deepEqual(notes.topics.get("Order"), wish);
});

// What asks for attention

async function alerts(places = 2) {
  const house = new House();
  const asked = new Alerts(await loaded(house), () => places);
  let last = 0;
  const come = (more) => {
    const note = house.add((last += 1), { show_alert: true, ...more });
    asked.take(note);
    return note;
  };
  const shown = () => asked.shown.map(({ id }) => Number(id));
  return { asked, come, shown };
}

test("an alert asks, and what nobody could find later; what is muted does not", async () => {
  const { come, shown } = await alerts(9);
  come({});
  come({ show_alert: false });
  come({ show_alert: false, persist: false });
  come({ topic: "Stock" });
  assert.deepEqual(shown(), [1, 3]);
});

test("of a storm a few are shown, and how many more there are", async () => {
  const { asked, come, shown } = await alerts();
  for (let n = 0; n < 122; n += 1) come({});
  assert.deepEqual([shown(), asked.more], [[1, 2], 120]);
  asked.close(asked.shown[0]);
  assert.deepEqual([shown(), asked.more], [[2], 120]);
  come({});
  assert.deepEqual(shown(), [2, 123]);
  asked.forget();
  assert.equal(asked.more, 0);
});

test("those that stay until they are closed wait for their turn", async () => {
  const { asked, come, shown } = await alerts(1);
  const first = come({});
  come({ alert_no_auto_hide: true });
  come({});
  assert.equal(asked.more, 2);
  asked.close(first);
  assert.deepEqual([shown(), asked.more], [[2], 1]);
});

test("what is seen elsewhere is shown no longer, and needs no turn", async () => {
  const { asked, come, shown } = await alerts();
  for (let n = 0; n < 4; n += 1) come({ alert_no_auto_hide: true, persist: n !== 1 });
  asked.seen(["1", "3"]);
  assert.deepEqual([shown(), asked.more], [[2, 4], 0]);
  asked.seen(null);
  assert.deepEqual(shown(), [2]); // it is listed nowhere
});
