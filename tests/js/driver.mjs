/**
 * Node as a test drives it: each line of stdin is `{"id", "code"}`, the body of an async function; each
 * line of stdout `{"id", "value"}` or `{"id", "error"}`, in the order in which they end. `it` keeps what
 * the next ones need; what goes wrong outside of them is `{"uncaught"}`.
 */
import { createInterface } from "node:readline";

import * as client from "../../tornado_chat/web/static/client.js";
import { WebSocket as Ours } from "./websocket.mjs";

export const AsyncFunction = (async () => {}).constructor;
const WebSocket = globalThis.WebSocket ?? Ours;
const QUICK = { WebSocket, backoffBase: 50, backoffCap: 300, pingInterval: 300, pingTimeout: 2000 };
const it = { states: [], signals: [] };

/** A chat that writes down its states and signals, in `it`. */
function open(url, key, options) {
  const chat = client.connect(url, key, { ...QUICK, ...options });
  chat.addEventListener("state", ({ detail }) => it.states.push(detail));
  chat.addEventListener("signal", ({ detail }) => it.signals.push(detail));
  return chat;
}

/** The numbers of the next messages. */
async function take(subscription, count) {
  const numbers = [];
  while (numbers.length < count) {
    const { value, done } = await subscription.next();
    if (done) break;
    numbers.push(value.data.n);
  }
  return numbers;
}

/** Publishes numbers, and waits until all are stored. */
function publish(chat, topic, ...numbers) {
  return Promise.all(numbers.map((n) => chat.publish(topic, { n }).stored));
}

/** Waits until it is true. */
async function until(true_) {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The error that something ends with. */
async function refused(going) {
  try {
    await going;
  } catch (error) {
    return plain(error);
  }
  throw new Error("it went well");
}

function plain(error) {
  return { name: error.name, code: error.code, message: error.message, status: error.status };
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

const tools = { ...client, WebSocket, it, open, take, publish, until, refused };

async function run({ id, code, given }) {
  const names = { ...tools, ...given };
  try {
    const value = await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
    say({ id, value: value ?? null });
  } catch (error) {
    say({ id, error: { ...plain(error), stack: error.stack } });
  }
}

process.on("uncaughtException", (error) => say({ uncaught: plain(error) }));
createInterface({ input: process.stdin })
  .on("line", (line) => run(JSON.parse(line)))
  .on("close", () => process.exit(0));
