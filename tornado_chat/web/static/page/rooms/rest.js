// @ts-check
/**
 * What the server is asked of rooms and people, by REST.
 *
 * @typedef {{user_id: string, full_name: string, has_read: boolean, active: boolean}} Member
 * @typedef {{user_id: string, name: string, email: string, company: string, online: boolean}} Person
 * @typedef {{offset: number, at: string, sender: string | null, sender_name: string | null,
 *   content: string}} LastMessage
 *
 * @typedef {object} Room  as the server shows it
 * @property {string} room_id
 * @property {string} topic
 * @property {string} name
 * @property {boolean} one_to_one
 * @property {boolean} has_read
 * @property {number} unread
 * @property {boolean} active
 * @property {number} last_offset
 * @property {string | null} created_by
 * @property {number} member_count
 * @property {Member[]} members
 * @property {LastMessage | null} [last_message]
 */

const ROOMS = "/plugins/chat_rooms/rooms";
const PAGE = 100;

export class RoomRest {
  #rest;

  /** @param {import("../../client/rest.js").Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /** @param {{start?: number, search?: string}} query @returns {Promise<{rooms: Room[], more: boolean}>} */
  list(query) {
    return this.#rest.get(ROOMS, { limit: PAGE, ...query });
  }

  /** Null where one is not in it. @param {string} id @returns {Promise<Room | null>} */
  async get(id) {
    try {
      return (await this.#rest.get(one(id))).room;
    } catch (problem) {
      if (/** @type {any} */ (problem).status === 404) return null;
      throw problem;
    }
  }

  /** The same where that is likely: browsers complain of each 404. @param {string} id @returns {Promise<Room | null>} */
  async find(id) {
    const { rooms } = await this.#rest.get(ROOMS, { search: id, left: true });
    return rooms.find((/** @type {Room} */ { room_id }) => room_id === id) ?? null;
  }

  /** The one-to-one with one, else a group. @param {string[]} members @param {string} name @returns {Promise<Room>} */
  async make(members, name) {
    const body = { members, name, private: !name && members.length === 1 };
    return (await this.#rest.post(ROOMS, body)).room;
  }

  /** @param {string} id @param {string} name @returns {Promise<Room>} */
  async rename(id, name) {
    return (await this.#rest.patch(one(id), { name })).room;
  }

  /** Until its next message. @param {string} id @returns {Promise<Room>} */
  async leave(id) {
    return (await this.#rest.post(`${one(id)}/leave`, {})).room;
  }

  /** @param {string} id @param {string[]} members @returns {Promise<Room>} */
  async add(id, members) {
    return (await this.#rest.post(`${one(id)}/members`, { members })).room;
  }

  /** For good. @param {string} id @param {string} member @returns {Promise<{}>} */
  remove(id, member) {
    return this.#rest.delete(`${one(id)}/members/${encodeURIComponent(member)}`);
  }

  /** @param {string} id @param {number} start @returns {Promise<{members: Member[], more: boolean}>} */
  members(id, start) {
    return this.#rest.get(`${one(id)}/members`, { start });
  }

  /** Who of its members is connected. @param {string} id @returns {Promise<{here: string[]}>} */
  here(id) {
    return this.#rest.get(`${one(id)}/here`);
  }

  /** Of the company. @param {{search?: string, ids?: string, limit?: number}} query
   * @returns {Promise<{people: Person[], more: boolean}>} */
  people(query) {
    return this.#rest.get("/people", query);
  }
}

/** @param {string} id */
const one = (id) => `${ROOMS}/${encodeURIComponent(id)}`;
