// @ts-check
/** <chat-orders>: `#/orders`, and `#/orders/<id>` with one of them beside the others. */
import { View } from "../dom.js";
import { route } from "../route.js";
import { OrderDetails } from "./details.js";
import { Orders } from "./orders.js";
import { OrderTable } from "./table.js";

export class OrdersPlace extends View {
  #orders;
  #table;
  /** @type {OrderDetails | null} */
  #details = null;
  #open = "";

  /** @param {import("../session.js").Session} session */
  constructor(session) {
    super();
    this.#orders = new Orders(session.chat, session.user.tenant);
    this.#table = new OrderTable(this.#orders);
  }

  open() {
    this.#orders.open();
    this.show(this.#table);
    this.listen(this, "keydown", (event) => this.#key(event));
  }

  close() {
    this.#orders.close();
  }

  /** Where one is in it. @param {string[]} path  after its own name */
  go([id = ""]) {
    if (id === this.#open) return;
    const before = this.#open;
    this.#open = id;
    this.#details?.remove();
    this.#details = id ? new OrderDetails(this.#orders, id) : null;
    if (this.#details) this.append(this.#details);
    this.#table.mark(id);
    if (!id) this.#table.goBack(before);
  }

  /** @param {KeyboardEvent} event */
  #key({ key }) {
    if (key === "Escape" && this.#open) route.go("orders");
  }
}

customElements.define("chat-orders", OrdersPlace);
export default OrdersPlace;
