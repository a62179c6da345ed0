// @ts-check
/** The server's REST, with the key, and its errors as `ChatError`. */
import { ChatError } from "./errors.js";
import { address } from "./link.js";

/** @typedef {import("./types.js").Key} Key */
/** @typedef {import("./types.js").User} User */

const LOGIN = "/account/login";
/** @type {Record<number, string>} where the answer itself does not say */
const CODES = {
  400: "bad_request",
  401: "unauthorized",
  403: "denied",
  404: "not_found",
  405: "bad_request",
  409: "conflict",
  413: "too_large",
  429: "rate_limited",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/**
 * @typedef {object} Asked
 * @property {Record<string, string | number | boolean>} [query]
 * @property {any} [body]  goes as JSON
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */
export class Rest {
  #url;
  #key;
  #fetch;

  /**
   * @param {string | URL} url @param {Key | null} key  null: nobody's
   * @param {{fetch?: typeof globalThis.fetch}} [options]
   */
  constructor(url, key, { fetch = (...asked) => globalThis.fetch(...asked) } = {}) {
    this.#url = address(url, "http", "");
    this.#key = key;
    this.#fetch = fetch;
  }

  /** @param {string} path @param {Asked["query"]} [query] */
  get(path, query) {
    return this.request("GET", path, { query });
  }

  /** @param {string} path @param {any} body @param {Asked} [more] */
  post(path, body, more) {
    return this.request("POST", path, { ...more, body });
  }

  /** @param {string} path @param {any} body @param {Asked} [more] */
  put(path, body, more) {
    return this.request("PUT", path, { ...more, body });
  }

  /** @param {string} path @param {any} body @param {Asked} [more] */
  patch(path, body, more) {
    return this.request("PATCH", path, { ...more, body });
  }

  /** @param {string} path @param {Asked} [more] */
  delete(path, more) {
    return this.request("DELETE", path, more);
  }

  /**
   * What is answered: JSON as it is, anything else as text. Rejects with a `ChatError`; `unavailable`
   * where there is no answer.
   *
   * @param {string} method @param {string} path  from the root of the server @param {Asked} [asked]
   * @returns {Promise<any>}
   */
  async request(method, path, { query, body, headers, signal } = {}) {
    const key = typeof this.#key === "function" ? await this.#key() : this.#key;
    const pairs = Object.entries(query ?? {}).map(([name, value]) => [name, String(value)]);
    const search = pairs.length ? `?${new URLSearchParams(pairs)}` : "";
    const answer = await this.#fetch(`${this.#url}${path}${search}`, {
      method,
      signal,
      headers: {
        ...(key && { api_key: key }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    }).catch((problem) => {
      if (signal?.aborted) throw problem;
      throw new ChatError("unavailable", `${method} ${path}: no answer`);
    });
    const text = await answer.text();
    const json = answer.headers.get("Content-Type")?.startsWith("application/json");
    const said = json && text ? JSON.parse(text) : text;
    if (answer.ok) return said;
    throw new ChatError(
      said.error?.code ?? CODES[answer.status] ?? "internal",
      said.error?.message ?? said.errors ?? `${method} ${path}: answered ${answer.status}`,
      answer.status,
    );
  }
}

/**
 * A new key for a name and password, and who that is. `expires` is null for a key that stays.
 *
 * @param {string | URL} url @param {string} username @param {string} password
 * @param {{fetch?: typeof globalThis.fetch}} [options]
 * @returns {Promise<{key: string, expires: string | null, user: User}>}
 */
export function login(url, username, password, options) {
  return new Rest(url, null, options).post(LOGIN, { username, password });
}
