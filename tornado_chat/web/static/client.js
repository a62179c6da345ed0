// @ts-check
/**
 * The JavaScript client of tornado_chat: the native protocol as one object over all the connections
 * of its life. For browsers and Node; it needs no other package and no build.
 *
 *     import { connect } from "/client.js";
 *     const chat = connect(location.origin, key);
 *     chat.subscribe("room:100000", { since: "start", onMessage: (message) => show(message) });
 *     await chat.publish("room:100000", { content: "Lunch?" }).stored;
 */
export { Chat, ChatEvent, connect } from "./client/chat.js";
export { ChatError } from "./client/errors.js";
export { Publication } from "./client/publication.js";
export { login, Rest } from "./client/rest.js";
export { Subscription } from "./client/subscription.js";
