/** The list of orders as a page keeps it: the state it was given, each change once, the newest version. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Orders } from "../../tornado_chat/web/static/page/orders/orders.js";

const AT = "2026-11-24T10:00:00.000Z";

/** A chat with one subscription, played by hand. */
class Chat {
  subscribe(topic, reader) {
    this.topic = topic;
    this.reader = reader;
    return { close: () => (this.closed = true) };
  }

  state(...orders) {
    this.reader.onSnapshot({ state: { orders } });
  }

  push(order, at = AT) {
    this.reader.onMessage({ at, data: { order } });
  }
}

function watching() {
  const chat = new Chat();
  const orders = new Orders(chat, "SHOP");
  const told = [];
  orders.addEventListener("change", ({ detail }) => told.push(detail));
  orders.open();
  return { chat, orders, told };
}

const order = (orderId, version, more) => ({ orderId, version, ...more });
const shown = ({ list }) => list.map(({ order: { orderId, version } }) => `${orderId}:${version}`).sort();

test("the list is what was given, and then each change", () => {
  const { chat, orders, told } = watching();
  assert.deepEqual([chat.topic, orders.known], ["orders:SHOP", false]);
  chat.state(order("1", 1), order("2", 5));
  assert.ok(orders.known);
  chat.push(order("1", 6));
  chat.push(order("3", 7));
  chat.push(order("2", 8, { deleted: true }));
  assert.deepEqual(shown(orders), ["1:6", "3:7"]);
  assert.deepEqual(told, [null, ["1"], ["3"], ["2"]]);
  assert.deepEqual([orders.get("1").at, orders.get("2").order.deleted], [AT, true]);
});

test("what is not newer is no news, whichever comes first", () => {
  const { chat, orders, told } = watching();
  chat.state(order("1", 5));
  chat.push(order("1", 5, { status: "old" }));
  chat.push(order("1", 4, { deleted: true }));
  chat.push(order("2", 7, { deleted: true }));
  chat.push(order("2", 6));
  assert.deepEqual(shown(orders), ["1:5"]);
  assert.deepEqual(told, [null, ["2"]]);
});

test("another state is all there is: what it does not have is gone, what it has as before keeps its time", () => {
  const { chat, orders } = watching();
  chat.state(order("1", 1), order("2", 2));
  chat.push(order("1", 3));
  chat.push(order("2", 4));
  chat.state(order("1", 3), order("3", 1));
  assert.deepEqual(shown(orders), ["1:3", "3:1"]);
  assert.deepEqual([orders.get("1").at, orders.get("2"), orders.get("3").at], [AT, undefined, null]);
});

test("whoever may not see them is told why, who leaves is not", () => {
  const { chat, orders, told } = watching();
  chat.reader.onEnd(null);
  assert.deepEqual([orders.problem, told], [null, []]);
  const problem = new Error("not there");
  chat.reader.onEnd(problem);
  assert.deepEqual([orders.problem, told], [problem, [null]]);
  orders.close();
  assert.ok(chat.closed);
});
