// @ts-check
/** The orders of a company as they are now. */
import { ChatEvent } from "../../client.js";

/**
 * @typedef {import("../../client.js").Chat} Chat
 * @typedef {import("../../client.js").ChatError} ChatError
 * @typedef {import("../../client.js").Subscription} Subscription
 *
 * @typedef {Record<string, any> & {
 *   orderId: string, version: number, deleted?: boolean, status?: string, customer?: string,
 *   total?: string | number, currency?: string, placedAt?: string,
 * }} Order
 *
 * @typedef {{order: Order, at: string | null}} Known  when it has changed, since one looks
 */

/**
 * The list as it was given, and each change of it: the higher version is the truth, whichever comes
 * first. Event `change`: its detail are the ids of what is not as before, null for all.
 */
export class Orders extends EventTarget {
  /** It has come once. */
  known = false;
  /** @type {ChatError | null} why it is not there, for good */
  problem = null;
  /** @type {Map<string, Known>} the deleted ones, too: what comes late does not bring them back */
  #all = new Map();
  #chat;
  #topic;
  /** @type {Subscription | null} */
  #subscription = null;

  /** @param {Chat} chat @param {string | null} tenant  whose orders */
  constructor(chat, tenant) {
    super();
    this.#chat = chat;
    this.#topic = `orders:${tenant}`;
  }

  /** Watches them. */
  open() {
    this.#subscription = this.#chat.subscribe(this.#topic, {
      onSnapshot: ({ state }) => this.#begin(state?.orders ?? []),
      onMessage: ({ at, data: { order } }) => {
        if (this.#take(order, at)) this.#tell([order.orderId]);
      },
      onEnd: (problem) => {
        this.problem = problem;
        if (problem) this.#tell(null);
      },
    });
  }

  /** Watches them no longer. */
  close() {
    this.#subscription?.close();
  }

  /** @param {string} id @returns {Known | undefined} also one that was deleted meanwhile */
  get(id) {
    return this.#all.get(id);
  }

  /** Those that are there. */
  get list() {
    return [...this.#all.values()].filter(({ order }) => !order.deleted);
  }

  /** How many are there. */
  get size() {
    return this.list.length;
  }

  /** What was missed is not known: this is all. @param {Order[]} orders */
  #begin(orders) {
    const before = this.#all;
    this.#all = new Map();
    for (const order of orders) {
      const old = before.get(order.orderId);
      this.#take(order, old?.order.version === order.version ? old.at : null);
    }
    this.known = true;
    this.#tell(null);
  }

  /** False where it is no news. @param {Order} order @param {string | null} at */
  #take(order, at) {
    const old = this.#all.get(order.orderId);
    if (old && order.version <= old.order.version) return false;
    this.#all.set(order.orderId, { order: said(order), at });
    return true;
  }

  /** @param {string[] | null} ids */
  #tell(ids) {
    this.dispatchEvent(new ChatEvent("change", ids));
  }
}

/** Of a field that is null nothing is said. @param {Order} order */
function said(order) {
  const fields = Object.entries(order).filter(([, value]) => value !== null);
  return /** @type {Order} */ (Object.fromEntries(fields));
}
