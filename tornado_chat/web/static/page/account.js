// @ts-check
/**
 * Who is signed in here. The key lives as long as this tab, or on this device where that was asked
 * for; then all its tabs share it.
 */
import { login, Rest } from "../client.js";
import { recall, remember } from "./storage.js";

/**
 * @typedef {import("../client/types.js").User} User
 * @typedef {{key: string, user: User, plugins?: string[]}} Account  and what it was when last heard of
 */

const KEPT = "account";
/** @type {import("./storage.js").Where[]} */
const PLACES = ["sessionStorage", "localStorage"];

/** @returns {Account | null} */
export function kept() {
  return PLACES.map((place) => recall(place, KEPT)).find(isAccount) ?? null;
}

/** Another version of the page may have kept something else. @param {any} found */
function isAccount(found) {
  const { key, user } = found ?? {};
  return [key, user?.user_id, user?.name].every(isText) && Array.isArray(user.permissions);
}

/** @param {unknown} value */
const isText = (value) => typeof value === "string";

/**
 * Rejects as `login` does.
 *
 * @param {string} name @param {string} password @param {boolean} stay  beyond this tab
 * @returns {Promise<Account>}
 */
export async function signIn(name, password, stay) {
  const { key, user } = await login(location.origin, name, password);
  const account = { key, user };
  remember(stay ? "localStorage" : "sessionStorage", KEPT, account);
  return account;
}

/** Revokes the key; forgets it in any case. @param {Account} account */
export async function signOut({ key }) {
  forget(key);
  await new Rest(location.origin, key).post("/account/logout", {});
}

/**
 * All other keys end with it.
 *
 * @param {Account} account @param {string} old @param {string} wanted @returns {Promise<Account>}
 */
export async function changePassword(account, old, wanted) {
  const places = where(account.key); // another tab may forget it before we know the new one
  const rest = new Rest(location.origin, account.key);
  const { key, user } = await rest.post("/account/password", { old, new: wanted });
  const changed = { ...account, key, user };
  for (const place of places) remember(place, KEPT, changed);
  return changed;
}

/** More is known of it. @param {Account} account */
export function update(account) {
  for (const place of where(account.key)) remember(place, KEPT, account);
}

/** It is over, unless another one has come meanwhile. @param {string} key */
export function forget(key) {
  for (const place of where(key)) remember(place, KEPT, null);
}

/** @param {string} key */
function where(key) {
  return PLACES.filter((place) => recall(place, KEPT)?.key === key);
}
