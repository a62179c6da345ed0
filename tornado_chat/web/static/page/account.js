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
  return recall(PLACES[0], KEPT) ?? recall(PLACES[1], KEPT);
}

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
  const rest = new Rest(location.origin, account.key);
  const { key, user } = await rest.post("/account/password", { old, new: wanted });
  const changed = { ...account, key, user };
  replace(account.key, changed);
  return changed;
}

/** Where this key is kept, there is this now. @param {string} key @param {Account | null} account */
export function replace(key, account) {
  for (const where of PLACES) {
    if (recall(where, KEPT)?.key === key) remember(where, KEPT, account);
  }
}

/** It is over, unless another one has come meanwhile. @param {string} key */
export function forget(key) {
  replace(key, null);
}
