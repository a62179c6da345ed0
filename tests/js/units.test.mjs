/**
 * The parts of the client without sockets: how long it stays away, what goes out in which order, and
 * that a subscription's stream is once, in order, bounded, and honest about holes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../tornado_chat/web/static/client/backoff.js";
import { ChatError } from "../../tornado_chat/web/static/client/errors.js";
import { address } from "../../tornado_chat/web/static/client/link.js";
import { Outgoing } from "../../tornado_chat/web/static/client/outgoing.js";
import { newKey } from "../../tornado_chat/web/static/client/publication.js";
import { Subscriptions } from "../../tornado_chat/web/static/client/subscriptions.js";

const TOPIC = "room:1";

/** Chance that a seed repeats (mulberry32). */
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What waits for a microtask has its turn. */
async function turn() {
  for (let n = 0; n < 10; n += 1) await null;
}

// How long to stay away

test("a pause is anywhere within its bound, which grows up to the cap", () => {
  const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
  const rows = Array.from({ length: 2000 }, (_, seed) => new Backoff({ random: chance(seed) }));
  for (const most of bounds) {
    const pauses = rows.map((each) => each.pause()).sort((a, b) => a - b);
    assert.ok(pauses[0] >= 0 && pauses[0] < 0.01 * most);
    assert.ok(pauses.at(-1) <= most && pauses.at(-1) > 0.99 * most);
    assert.ok(Math.abs(pauses[1000] / most - 0.5) < 0.05);
  }
});

test("thousands in a row are no overflow", () => {
  const backoff = new Backoff({ random: () => 1 });
  for (let n = 0; n < 5000; n += 1) assert.ok(backoff.pause() <= 30_000);
});

test("only a connection that lasted begins the row anew", () => {
  const backoff = new Backoff({ base: 1, cap: 1e9, stable: 10, random: () => 1 });
  for (let n = 0; n < 9; n += 1) backoff.pause();
  backoff.lasted(9.9);
  assert.equal(backoff.pause(), 512);
  backoff.lasted(10);
  assert.equal(backoff.pause(), 1);
});

test("what the server asks for goes before our own idea, and counts in the row", () => {
  const backoff = new Backoff({ base: 1, cap: 1e9, random: chance(3) });
  for (let n = 0; n < 10; n += 1) {
    const pause = backoff.pause([100, 200]);
    assert.ok(pause >= 100 && pause <= 200);
  }
  assert.ok(Math.max(...Array.from({ length: 5 }, () => backoff.pause())) > 200);
});

// Names

test("the addresses of a server", () => {
  for (const [given, socket, rest] of [
    ["http://shop:8080", "ws://shop:8080/ws", "http://shop:8080"],
    ["https://shop/", "wss://shop/ws", "https://shop"],
    ["ws://shop/chat/ws", "ws://shop/chat/ws", "http://shop/chat"],
    ["wss://shop/chat//", "wss://shop/chat/ws", "https://shop/chat"],
    [new URL("http://[::1]:8080/"), "ws://[::1]:8080/ws", "http://[::1]:8080"],
  ]) {
    assert.equal(address(given, "ws", "/ws"), socket);
    assert.equal(address(given, "http", ""), rest);
  }
  for (const given of ["shop", "ftp://shop", "http://a:b@c", "ws://c?api_key=k", "http://c#k"]) {
    assert.throws(() => address(given, "ws", "/ws"), TypeError);
  }
});

test("what may go well another time says so", () => {
  const passing = ["unavailable", "internal", "rate_limited", "denied", "closed"].filter(
    (code) => new ChatError(code, "").passing,
  );
  assert.deepEqual(passing, ["unavailable", "internal", "rate_limited"]);
});

test("a key is unlike any other, and short enough for the server", () => {
  const keys = Array.from({ length: 10_000 }, newKey);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.every((key) => /^[\w-]{20,128}$/.test(key)));
});

// What goes out

function outgoing(size = 3) {
  const wire = [];
  const given = new Outgoing(size);
  const answers = [];
  const put = (command, name, again = true) =>
    given.put(command, { name }, (problem, ok) => answers.push([name, problem?.code ?? ok]), again);
  const open = async () => {
    given.opened((text) => wire.push(JSON.parse(text)), 100);
    await turn();
  };
  const sent = () => wire.splice(0).map(({ name }) => name);
  return { given, wire, answers, put, open, sent };
}

test("publishes go out last, in their order, and again in their order", async () => {
  const { given, wire, put, open, sent, answers } = outgoing();
  for (const name of ["a", "b", "c"]) put("publish", name);
  put("history", "h");
  assert.throws(() => put("publish", "d"), { code: "queue_full" });
  assert.throws(() => put("signal", "s", false), { code: "unavailable" });
  await open();
  const [first] = wire;
  put("signal", "s", false);
  await turn();
  assert.deepEqual(sent(), ["h", "a", "b", "c", "s"]);
  given.answer({ id: first.id, ok: "yes" });
  given.answer({ id: first.id, ok: "twice" });
  given.lost("gone");
  put("seen", "n");
  await open();
  assert.deepEqual(sent(), ["n", "a", "b", "c"]);
  assert.deepEqual(answers, [["h", "yes"], ["s", "unavailable"]]);
  assert.equal(given.waiting, 3);
  given.end(new ChatError("closed", "closed"));
  assert.deepEqual(answers.slice(2).map(([, code]) => code), ["closed", "closed", "closed", "closed"]);
  assert.throws(() => put("history", "late"), { code: "closed" });
});

test("what is asked in one turn goes out before what is published in it", async () => {
  const { put, open, sent } = outgoing();
  await open();
  put("publish", "a");
  put("subscribe", "s", false);
  await turn();
  assert.deepEqual(sent(), ["s", "a"]);
});

test("no more than 64 are unanswered on the wire", async () => {
  const { given, wire, put, open, sent } = outgoing(100);
  for (let n = 0; n < 100; n += 1) put("publish", `${n}`);
  await open();
  assert.equal(wire.length, 64);
  given.answer({ id: wire[0].id, ok: {} });
  await turn();
  assert.deepEqual([wire.length, wire[64].name], [65, "64"]);
  given.lost("gone");
  sent();
  await open();
  assert.deepEqual(sent(), Array.from({ length: 64 }, (_, n) => `${n + 1}`)); // the oldest first
});

test("what no server takes does not go out, counted in bytes", async () => {
  const { put, open, sent, answers } = outgoing();
  put("publish", "x".repeat(4200));
  put("publish", "é".repeat(2100));
  put("publish", "é".repeat(2000));
  await open();
  assert.deepEqual(sent().map(({ length }) => length), [2000]);
  assert.deepEqual(answers.map(([, code]) => code), ["too_large", "too_large"]);
});

// Subscriptions

/** One topic as the native protocol has it; commands wait to be served, frames to be received. */
class House {
  log = []; // {offset, id}
  epochs = [["e0", 1]]; // with the first offset
  pruned = 0;
  live = new Set();
  frames = [];
  #ids = 0;

  get mark() {
    return this.log.at(-1)?.offset ?? 0;
  }

  epoch(offset) {
    return this.epochs.filter(([, first]) => first <= Math.max(1, offset)).at(-1)[0];
  }

  publish() {
    this.#ids += 1;
    this.log.push({ offset: this.mark + 1, id: `m${this.#ids}` });
    if (this.live.size) this.#push(this.log.at(-1));
  }

  #push({ offset, id }) {
    this.frames.push({ push: { topic: TOPIC, epoch: this.epoch(offset), offset, id, data: {} } });
  }

  /** An older backup: what came after is gone, and a new epoch begins. */
  restore(offset) {
    this.log = this.log.filter((each) => each.offset <= offset);
    this.epochs = this.epochs.filter(([, first]) => first <= this.mark);
    this.epochs.push([`e${this.#ids}-${offset}-${this.epochs.length}`, this.mark + 1]);
    this.pruned = Math.min(this.pruned, this.mark);
  }

  #good(since) {
    if (since === "start") return this.pruned === 0;
    const place = this.epochs.findIndex(([name]) => name === since.epoch);
    const last = this.epochs[place + 1]?.[1] - 1 || this.mark;
    const agrees = place >= 0 && since.offset >= this.epochs[place][1] - 1 && since.offset <= last;
    return (agrees || since.offset === 0) && this.pruned <= since.offset;
  }

  serve({ id, do: command, topic, since }) {
    if (command === "unsubscribe") {
      this.live.delete(topic);
      this.frames.push({ id, ok: { topic } });
      return;
    }
    const complete = since !== undefined && this.#good(since);
    this.live.add(topic);
    const [epoch] = this.epochs.at(-1);
    const state = complete ? null : { mark: this.mark };
    this.frames.push({ id, ok: { topic, epoch, offset: this.mark, complete, state } });
    const after = since === "start" ? 0 : complete ? since.offset : this.mark;
    for (const each of this.log) if (each.offset > Math.max(after, this.pruned)) this.#push(each);
  }
}

/** The parts of the client that know topics, on a wire that a test moves. */
class Client {
  given = []; // what the reader was given: messages, and {hole, position}
  connected = false;
  #wire = [];

  constructor(size = 3) {
    this.house = new House();
    this.outgoing = new Outgoing(10);
    this.all = new Subscriptions(this.outgoing, size);
  }

  add(since, more = {}) {
    const onSnapshot = ({ position, gaps }) => this.given.push({ position, gaps });
    this.subscription = this.all.add(TOPIC, { since, onSnapshot, ...more });
    return this.subscription;
  }

  open() {
    this.connected = true;
    this.outgoing.opened((text) => this.#wire.push(JSON.parse(text)), 0);
    this.all.opened();
  }

  cut() {
    this.connected = false;
    this.house.live.clear();
    this.house.frames.length = this.#wire.length = 0;
    this.outgoing.lost("cut");
  }

  async serve() {
    await turn();
    for (const frame of this.#wire.splice(0)) this.house.serve(frame);
  }

  receive(count = Infinity) {
    for (const frame of this.house.frames.splice(0, count)) {
      if (frame.push) this.all.push(frame.push);
      else if (frame.id === null) this.all.endedByHouse(frame);
      else this.outgoing.answer(frame);
    }
  }

  /** Takes what is there already. */
  async read(count = 100) {
    for (let n = 0; n < count; n += 1) {
      this.reading ??= this.subscription.next().then(({ value }) => {
        this.given.push(value);
        this.reading = null;
      });
      await turn();
      if (this.reading) return;
    }
  }

  async settle() {
    if (!this.connected) this.open();
    for (let n = 0; n < 25; n += 1) {
      await this.serve();
      this.receive();
      await this.read();
    }
  }
}

test("whoever reads is told of each joining, before what comes by it", async () => {
  const client = new Client();
  const onJoined = () => client.given.push("joined");
  const onMessage = ({ offset }) => client.given.push(offset);
  client.add(null, { onJoined, onMessage });
  await client.settle();
  client.house.publish();
  await client.settle();
  client.cut();
  client.house.publish();
  await client.settle();
  const [joined, , first, again, second] = client.given;
  assert.deepEqual([joined, again], ["joined", "joined"]);
  assert.deepEqual([client.given.length, second], [5, first + 1]);
});

async function play(seed, since, size) {
  const random = chance(seed);
  const upTo = (most) => Math.floor(random() * (most + 1));
  const client = new Client(size);
  const { house } = client;
  const moves = [
    () => { for (let n = upTo(5); n >= 0; n -= 1) house.publish(); },
    () => client.connected && client.serve(),
    () => client.connected && client.receive(1 + upTo(5)),
    () => client.read(1 + upTo(3)),
    () => client.cut(),
    () => client.connected || client.open(),
    () => { house.pruned = Math.max(house.pruned, Math.min(upTo(20), house.mark)); },
    () => { client.cut(); house.restore(upTo(20)); },
    () => {
      if (!house.live.size) return;
      house.live.clear();
      house.frames.push({ id: null, topic: TOPIC, error: { code: "conflict", message: "behind" } });
    },
  ];
  for (let n = 0; n < 3; n += 1) house.publish();
  const before = house.log[since?.offset - 1];
  client.add(since);
  for (let n = upTo(40); n > 0; n -= 1) await moves[upTo(moves.length - 1)]();
  await client.settle();
  return { client, before };
}

for (const since of [null, "start", { epoch: "e0", offset: 2 }]) {
  test(`every message comes once and in order or a hole is told, since ${JSON.stringify(since)}`, async () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const { client, before } = await play(seed, since, 3);
      const { house, given } = client;
      const kept = new Set(house.log.map(({ id }) => id));
      let last = before ?? null; // null: anything may follow
      let gaps = 0;
      for (const each of given) {
        if (each.id === undefined) {
          const promised = since !== "start" || each.gaps > gaps;
          last = promised ? { offset: each.position.offset } : null;
          gaps = each.gaps;
          continue;
        }
        if (last) {
          assert.equal(each.offset, last.offset + 1, `seed ${seed}: after ${last.offset}`);
          const honest = last.id === undefined || kept.has(last.id) || !kept.has(each.id);
          assert.ok(honest, `seed ${seed}: what was before is gone, and no hole was told`);
        }
        last = each;
      }
      const ids = given.map(({ id }) => id).filter((id) => id !== undefined);
      assert.equal(new Set(ids).size, ids.length, `seed ${seed}: something came twice`);
      if (last) assert.equal(last.offset, house.mark, `seed ${seed}: something is missing at the end`);
    }
  });
}

test("a reader who does not read keeps no more than his queue", async () => {
  const client = new Client(3);
  const subscription = client.add("start");
  await client.settle();
  for (let n = 0; n < 50; n += 1) client.house.publish();
  client.receive();
  assert.equal(subscription.standing, "behind");
  await client.serve();
  assert.equal(client.house.live.size, 0); // the server was asked to stop
  await client.settle();
  assert.deepEqual(client.given.map(({ offset }) => offset), Array.from({ length: 50 }, (_, n) => n + 1));
});

test("what came twice is given once", async () => {
  const client = new Client();
  client.add("start");
  await client.settle();
  client.house.publish();
  client.house.publish();
  client.house.frames.push(...client.house.frames, client.house.frames[1]);
  await client.settle();
  assert.deepEqual(client.given.map(({ offset }) => offset), [1, 2]);
});

test("the position is that of what was taken out", async () => {
  const client = new Client();
  const subscription = client.add("start");
  client.house.publish();
  client.house.publish();
  client.open();
  await client.serve();
  client.receive();
  assert.equal(subscription.position, null);
  await client.read(1);
  assert.deepEqual(subscription.position, { epoch: "e0", offset: 1 });
});

test("two holes that nobody has seen yet are one", async () => {
  const client = new Client();
  const subscription = client.add({ epoch: "e0", offset: 0 });
  for (const pruned of [2, 4]) {
    client.house.publish();
    client.house.publish();
    client.house.pruned = pruned;
    client.open();
    await client.serve();
    client.receive();
    client.cut();
  }
  await client.read();
  assert.deepEqual(client.given, [{ position: { epoch: "e0", offset: 4 }, gaps: 1 }]);
  assert.deepEqual(subscription.state, { mark: 4 });
});

test("a topic by name comes by its name and all else is mine", async () => {
  const client = new Client();
  const mine = [];
  client.add(null);
  client.all.add("mine", { onMessage: ({ offset }) => mine.push(offset) });
  client.open();
  client.house.publish();
  await client.serve();
  const [named, all] = client.house.frames.splice(0);
  client.outgoing.answer(all);
  client.house.publish(); // before the answer to the subscription by name it is sent as mine
  client.receive();
  assert.deepEqual(mine, [2]);
  client.outgoing.answer(named);
  client.house.publish();
  client.receive();
  assert.deepEqual(mine, [2]);
});

test("several who wait for one iterator are all served", async () => {
  const client = new Client();
  const subscription = client.add("start");
  const waiting = [subscription.next(), subscription.next(), subscription.next()];
  client.house.publish();
  client.house.publish();
  client.open();
  await client.serve();
  client.receive();
  await turn();
  subscription.close();
  const values = (await Promise.all(waiting)).map(({ value, done }) => (done ? "done" : value.offset));
  assert.deepEqual(values, [1, 2, "done"]);
});

test("after the end nothing is subscribed", async () => {
  const client = new Client();
  const ends = [];
  client.add(null, { onEnd: (error) => ends.push(error) });
  client.all.end(new ChatError("unauthorized", "revoked"));
  client.add(null, { onEnd: (error) => ends.push(error) });
  await assert.rejects(client.subscription.ready, { code: "unauthorized" });
  await assert.rejects(client.subscription.next(), { code: "unauthorized" });
  assert.deepEqual(ends.map(({ code }) => code), ["unauthorized", "unauthorized"]);
});
