// @ts-check
/**
 * Who is signed in here. The key lives as long as this tab, or on this device where that was asked
 * for; then all its tabs share it.
 */
import { login, Rest } from "../client.js";

/** @typedef {import("../client/types.js").User} User */
/** @typedef {{key: string, user: User}} Account */

const KEPT = "tornado_chat.account";

/** @returns {Account | null} */
export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Rejects as `login` does.
 *
 * @param {string} name @param {string} password @param {boolean} stay  beyond this tab
 * @returns {Promise<Account>}
 */
export async function signIn(name, password, stay) {
  const { key, user } = await login(location.origin, name, password);
  return keep({ key, user }, stay ? localStorage : sessionStorage);
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
export async function changePassword({ key }, old, wanted) {
  const rest = new Rest(location.origin, key);
  const changed = await rest.post("/account/password", { old, new: wanted });
  const storage = sessionStorage.getItem(KEPT) ? sessionStorage : localStorage;
  return keep({ key: changed.key, user: changed.user }, storage);
}

/** @param {Account} account @param {Storage} storage */
function keep(account, storage) {
  storage.setItem(KEPT, JSON.stringify(account));
  return account;
}

/** It is over, unless another one has come meanwhile. @param {string} key */
export function forget(key) {
  for (const storage of [sessionStorage, localStorage]) {
    if (JSON.parse(storage.getItem(KEPT) ?? "null")?.key === key) storage.removeItem(KEPT);
  }
}
