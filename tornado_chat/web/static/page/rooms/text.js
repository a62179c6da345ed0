// @ts-check
/**
 * What is in the text of a message: links, `code`, and blocks between ```. Anything else is text as
 * it stands. Takes time in proportion to its length, whatever it holds.
 *
 * @typedef {{kind: "text" | "code" | "block" | "link", text: string, href?: string}} Part
 */

const FENCE = "```";
// Signs that change the direction of writing would make a link look like another one
const INLINE = /`([^`\n]+)`|(?<![\p{L}\p{N}])https?:\/\/[^\s<>"`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const LANGUAGE = /^[\w+#.-]*\n/; // behind the opening fence

/** Of a message; what is no text is none. @param {import("../../client/types.js").Data} [data] */
export function textOf(data) {
  return typeof data?.content === "string" ? data.content : "";
}

/** @param {string} text @returns {Part[]} */
export function parts(text) {
  /** @type {Part[]} */
  const found = [];
  let from = 0;
  for (;;) {
    const open = text.indexOf(FENCE, from);
    const close = open < 0 ? -1 : text.indexOf(FENCE, open + FENCE.length);
    if (close < 0) break;
    const code = text.slice(open + FENCE.length, close).replace(LANGUAGE, "");
    const end = close + FENCE.length;
    found.push(...inline(withoutEnd(text.slice(from, open))));
    if (code.trim()) found.push({ kind: "block", text: withoutEnd(code) });
    else found.push({ kind: "text", text: text.slice(open, end) });
    from = text[end] === "\n" ? end + 1 : end;
  }
  found.push(...inline(text.slice(from)));
  return found;
}

/** @param {string} text */
const withoutEnd = (text) => (text.endsWith("\n") ? text.slice(0, -1) : text);

/** @param {string} text @returns {Part[]} */
function inline(text) {
  /** @type {Part[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code] = match;
    /** @type {Part | null} */
    const part = code === undefined ? link(whole) : { kind: "code", text: code };
    if (!part) continue;
    if (match.index > from) found.push({ kind: "text", text: text.slice(from, match.index) });
    found.push(part);
    from = match.index + (code === undefined ? part.text.length : whole.length);
  }
  if (from < text.length) found.push({ kind: "text", text: text.slice(from) });
  return found;
}

/** One that looks like where it leads: nobody stands in it before an at sign. @param {string} whole @returns {Part | null} */
function link(whole) {
  const text = whole.slice(0, end(whole));
  try {
    const { protocol, username, password, href } = new URL(text);
    if (!/^https?:$/.test(protocol) || username || password) return null;
    return { kind: "link", text, href };
  } catch {
    return null;
  }
}

/** Where a link ends: before what belongs to the sentence around it. @param {string} whole */
function end(whole) {
  let last = whole.length;
  let open = whole.split("(").length - whole.split(")").length; // below 0: more are closed than opened
  for (; last > 0; last -= 1) {
    const sign = whole[last - 1];
    if (sign === ")" && open < 0) open += 1;
    else if (!".,;:!?'*_]}".includes(sign)) break;
  }
  return last;
}
