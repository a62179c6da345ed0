// @ts-check
/**
 * One connection: opened, the key shown, frames in and out, and how it ended. It knows frames and
 * close codes, and nothing of topics.
 */
import { ChatError } from "./errors.js";

const UNAUTHORIZED = 4001;
const REVOKED = 4009;
const OPEN = 1; // WebSocket.OPEN
const SCHEMES = ["http:", "https:", "ws:", "wss:"];

/**
 * @typedef {object} Manners  in ms
 * @property {new (address: string) => WebSocket} WebSocket
 * @property {number} openTimeout  until the hello
 * @property {number} pingInterval  of silence, then it is pinged
 * @property {number} pingTimeout  of silence after that, then it is dropped
 *
 * @typedef {object} Hooks
 * @property {(hello: import("./types.js").Hello) => void} open
 * @property {(frame: any) => void} frame
 * @property {(reason: string, window?: [number, number]) => void} lost  it may be better next time;
 *   `window`: the ms, from and to, that the server asked to stay away
 * @property {(problem: ChatError) => void} refused  for good
 */
export class Link {
  #known = false; // the key was taken
  #socket;
  #manners;
  #hooks;
  #timer;
  /** @type {[number, number] | undefined} */
  #window;

  /** @param {string} address @param {string} key @param {Manners} manners @param {Hooks} hooks */
  constructor(address, key, manners, hooks) {
    this.#manners = manners;
    this.#hooks = hooks;
    const socket = new manners.WebSocket(address);
    socket.onopen = () => this.send(JSON.stringify({ id: 0, do: "auth", key }));
    socket.onmessage = ({ data }) => this.#read(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    socket.onerror = () => this.#lose("the connection failed");
    this.#socket = socket;
    this.#timer = setTimeout(
      () => this.#lose(`no hello in ${manners.openTimeout} ms`),
      manners.openTimeout,
    );
  }

  /** @param {string} text */
  send(text) {
    if (this.#socket.readyState === OPEN) this.#socket.send(text); // else its close is on its way
  }

  /** Something hints that the network has changed: pings now. */
  probe() {
    if (this.#known) this.#ping();
  }

  /** Says goodbye. Nothing is heard of it any more. */
  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {};
    socket.close(1000);
  }

  /** @param {unknown} data */
  #read(data) {
    let frame;
    try {
      frame = JSON.parse(String(data));
    } catch {
      frame = null;
    }
    if (typeof frame !== "object" || frame === null) this.#lose("a frame that is no object");
    else if (this.#known) this.#take(frame);
    else this.#enter(frame);
  }

  /** @param {any} frame */
  #take(frame) {
    this.#heard();
    if ("bye" in frame) this.#window = frame.bye.reconnect_after_ms;
    else this.#hooks.frame(frame);
  }

  /** @param {any} frame  the first one */
  #enter({ hello, error }) {
    if (hello) {
      this.#known = true;
      this.#heard();
      this.#hooks.open(hello);
    } else if (error?.code === "unauthorized" || error?.code === "denied") {
      this.#refuse(error.message);
    } else {
      this.#lose(error?.message ?? "said no hello");
    }
  }

  /** It lives: the next ping is that far away again. */
  #heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ping(), this.#manners.pingInterval);
  }

  #ping() {
    const wait = this.#manners.pingTimeout;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(`nothing heard in ${wait} ms`), wait);
    this.send('{"id":"ping","do":"ping"}');
  }

  /**
   * Before the hello, 4001 alone says only that the key came too late, as through a slow network; a
   * bad one is said in a frame.
   *
   * @param {number} code @param {string} reason
   */
  #closed(code, reason) {
    const said = reason || `closed with ${code}`;
    if (this.#known && (code === UNAUTHORIZED || code === REVOKED)) this.#refuse(said);
    else this.#lose(said);
  }

  /** @param {string} reason */
  #lose(reason) {
    this.close();
    this.#hooks.lost(reason, this.#window);
  }

  /** @param {string} reason */
  #refuse(reason) {
    this.close();
    this.#hooks.refused(new ChatError("unauthorized", reason));
  }
}

/**
 * The address of a server's socket, or of its REST: `url` with another scheme, at whose end `path`
 * stands.
 *
 * @param {string | URL} url  http, https, ws or wss @param {"ws" | "http"} scheme @param {string} path
 */
export function address(url, scheme, path) {
  const { protocol, host, pathname, search, hash, username } = new URL(url);
  if (!SCHEMES.includes(protocol)) throw new TypeError(`${protocol} not ${SCHEMES.join(" ")}`);
  if (search || hash || username) throw new TypeError("the key is an argument, not of the URL");
  const secure = protocol === "https:" || protocol === "wss:" ? "s" : "";
  return `${scheme}${secure}://${host}${pathname.replace(/\/*$/, "").replace(/\/ws$/, "")}${path}`;
}
