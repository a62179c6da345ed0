// @ts-check
/**
 * What goes over the wire, for JSDoc alone: nobody loads this module.
 *
 * @typedef {{epoch: string, offset: number}} Position  a place in the log; a message is one, too
 * @typedef {Position | "start" | null} Since  go on after it; all that is kept; from now on
 * @typedef {Record<string, any>} Data
 *
 * @typedef {object} Message
 * @property {string} topic
 * @property {string} epoch
 * @property {number} offset
 * @property {string} id
 * @property {string | null} sender  null where the house speaks
 * @property {string | null} sender_name
 * @property {string} at  UTC, `2026-11-23T10:00:00.123Z`
 * @property {Data} data
 *
 * @typedef {object} Sent  `epoch`, `offset`, `id`, `at` are null where the topic keeps no history
 * @property {string} topic
 * @property {string | null} epoch
 * @property {number | null} offset
 * @property {string | null} id
 * @property {string | null} at
 * @property {boolean} duplicate  this key had been there before
 *
 * @typedef {{messages: Message[], more: boolean}} Page  oldest first
 * @typedef {{topic: string, offset: number, unread: number}} Seen
 * @typedef {{topic: string, name: string, sender: string | null, data: Data}} Signal
 * @typedef {{topic: string, epoch: string, offset: number, complete: boolean, state: any}} Joined
 *
 * @typedef {object} Hello  and what later versions say
 * @property {number} protocol
 * @property {string} user
 * @property {string} name
 * @property {string | null} tenant
 * @property {number | null} key_ttl  seconds
 * @property {{frame_bytes: number, frames_per_second: number, subscriptions_per_socket: number}} limits
 *
 * @typedef {object} User  as a login and `/account` say
 * @property {string} user_id
 * @property {string} name
 * @property {string} login_name
 * @property {string} language
 * @property {string | null} tenant
 * @property {string[]} groups
 * @property {string[]} permissions
 *
 * @typedef {string | (() => string | null | Promise<string | null>)} Key
 * @typedef {"connecting" | "open" | "waiting" | "closed"} State
 */
export {};
