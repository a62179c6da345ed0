/** What of a room is on the screen: each message once and in its place, whatever comes first. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "../../tornado_chat/web/static/page/rooms/log.js";

const USER = { user_id: "u-ann", name: "Ann Maas" };
const TOPIC = "room:1";

/** One's own message on its way, as the client gives it; its end is in the hand of the test. */
class Sending extends EventTarget {
  topic = TOPIC;
  state = "sending";
  sent = null;

  constructor(content) {
    super();
    this.data = { content };
  }

  stored(offset) {
    this.#become("stored", { offset, id: String(offset), at: "2026-11-24T10:00:00.000Z", epoch: "e" });
  }

  failed() {
    this.#become("failed", null);
  }

  #become(state, sent) {
    Object.assign(this, { state, sent });
    this.dispatchEvent(new Event("change"));
  }
}

function message(offset, content = `text ${offset}`, sender = "u-bob") {
  const at = new Date(Date.UTC(2026, 10, 24, 9, 0, offset)).toISOString();
  return { topic: TOPIC, epoch: "e", offset, id: String(offset), sender, sender_name: sender, at, data: { content } };
}

const mine = (offset, content) => message(offset, content, USER.user_id);

/** A log; `told`: what it has told. */
function begun(...messages) {
  const told = [];
  const log = new Log(USER, (what, detail) => told.push([what, detail]));
  log.replace(messages);
  return { log, told, gone: new AbortController().signal };
}

function sending(log, content) {
  const publication = new Sending(content);
  log.follow(publication, new AbortController().signal);
  return publication;
}

const seen = (log) => log.items.map(({ offset, content, state }) => [offset ?? null, content, state]);
const texts = (log) => log.items.map(({ content }) => content).join();

test("what comes is behind what was said, and what comes again is there", () => {
  const { log } = begun(message(3, "a"), message(5, "b"));
  assert.equal(log.take(message(7, "c")), true);
  assert.equal(log.take(message(7, "c")), false);
  assert.equal(log.take(message(3, "a")), false);
  log.older([message(1, "x"), message(2, "y")]);
  assert.equal(texts(log), "x,y,a,b,c");
});

test("one's own is at the end until it is stored, and is the same item then", () => {
  const { log } = begun(message(1, "a"));
  const own = sending(log, "mine");
  const [, item] = log.items;
  log.take(message(2, "b"));
  assert.deepEqual(seen(log).at(-1), [null, "mine", "sending"]);
  own.stored(3);
  assert.deepEqual(seen(log).at(-1), [3, "mine", "stored"]);
  assert.equal(log.items[2], item);
  assert.equal(log.take(mine(3, "mine")), false);
  assert.equal(log.items.length, 3);
});

test("the push that comes before the answer is taken for it", () => {
  const { log } = begun();
  const own = sending(log, "mine");
  log.take(mine(4, "mine"));
  assert.deepEqual(seen(log), [[4, "mine", "sending"]]);
  own.stored(4);
  assert.deepEqual(seen(log), [[4, "mine", "stored"]]);
});

test("the same words from another tab are another message", () => {
  const { log } = begun();
  const own = sending(log, "yes");
  log.take(mine(4, "yes"));
  own.stored(5);
  assert.deepEqual(seen(log), [[4, "yes", "stored"], [5, "yes", "stored"]]);
  const failing = sending(log, "no");
  log.take(mine(6, "no"));
  failing.failed();
  assert.deepEqual(seen(log).slice(2), [[6, "no", "stored"], [null, "no", "failed"]]);
});

test("several of the same words are taken in their order", () => {
  const { log } = begun();
  const [first, second] = [sending(log, "ha"), sending(log, "ha")];
  log.take(mine(1, "ha"));
  assert.equal(log.items[0].publication, first);
  second.stored(2);
  first.stored(1);
  assert.deepEqual(seen(log), [[1, "ha", "stored"], [2, "ha", "stored"]]);
});

test("what was missed takes its place before what was answered first", () => {
  const { log } = begun(message(1, "a"));
  const own = sending(log, "mine");
  own.stored(9);
  for (const offset of [4, 5, 8]) assert.equal(log.take(message(offset, `missed ${offset}`)), true);
  assert.equal(texts(log), "a,missed 4,missed 5,missed 8,mine");
});

test("the newest page replaces what was there, but for what came after it", () => {
  const { log, told } = begun(message(1, "a"), message(2, "b"));
  const kept = log.items[1];
  sending(log, "on its way");
  const known = sending(log, "stored while nobody heard");
  log.begin();
  log.take(message(9, "came meanwhile"));
  log.replace([message(2, "b"), mine(7, "stored while nobody heard")]);
  assert.equal(texts(log), "b,stored while nobody heard,came meanwhile,on its way");
  assert.equal(log.items[0], kept);
  assert.equal(log.items[1].publication, known);
  assert.equal(log.placed, 3);
  assert.equal(told.at(-1)[0], "reset");
});

test("where the log went back, the same offset is another message", () => {
  const { log, told } = begun(message(3, "old"), message(5, "old too"));
  const [three] = log.items;
  log.begin();
  told.length = 0;
  assert.equal(log.take({ ...message(5, "new too"), epoch: "f" }), true);
  assert.deepEqual(told, [], "the old ones are on the screen");
  const old = log.items[0];
  log.replace([message(2, "there before"), { ...message(3, "new"), epoch: "f" }]);
  assert.equal(texts(log), "there before,new,new too");
  assert.notEqual(log.items[1], three, "on the screen it is drawn once for all");
  log.begin();
  log.replace([{ ...message(3, "newer"), epoch: "g" }, { ...message(5, "new too"), epoch: "f" }]);
  assert.equal(texts(log), "newer,new too");
  assert.equal(log.items[1], old);
});

test("what has failed stays at the end, is sent again in its place, or goes", () => {
  const { log, told } = begun(message(1, "a"));
  const [one, two] = [sending(log, "one"), sending(log, "two")];
  one.failed();
  two.failed();
  assert.equal(texts(log), "a,one,two");
  log.take(message(2, "b"));
  assert.equal(texts(log), "a,b,one,two");
  log.discard(log.items[2]);
  assert.equal(told.at(-1)[0], "gone");
  two.stored(3);
  assert.deepEqual(seen(log), [[1, "a", "stored"], [2, "b", "stored"], [3, "two", "stored"]]);
});

test("what seemed to have failed and was stored all the same is there once", () => {
  const { log } = begun(message(1, "a"));
  const own = sending(log, "mine");
  own.failed(); // the answer was lost with its connection
  log.take(mine(2, "mine"));
  log.take(message(3, "b"));
  own.stored(2); // sent again by its key
  assert.deepEqual(seen(log), [[1, "a", "stored"], [2, "mine", "stored"], [3, "b", "stored"]]);
  assert.equal(log.placed, 3);
});

test("a new message is told of alone, whatever is there", () => {
  const { log, told } = begun(...Array.from({ length: 5000 }, (_, n) => message(n + 1)));
  told.length = 0;
  log.take(message(6000, "new"));
  assert.deepEqual(told, [["item", log.items[5000]]]);
});
