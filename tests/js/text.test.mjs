/** What is found in the text of a message, and that hostile text stays text and takes no time. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { parts, textOf } from "../../tornado_chat/web/static/page/rooms/text.js";

/** As `[kind, text]`. */
const found = (text) => parts(text).map((part) => [part.kind, part.text]);
const links = (text) => parts(text).flatMap(({ href }) => href ?? []);

test("plain text is one piece, lines and spaces as they stand", () => {
  for (const text of ["Lunch?", "  two\n\n lines ", "<b>&amp;</b>", "a`b", "``", "```", "``` open", "5 * 3 = 15"]) {
    assert.deepEqual(found(text), [["text", text]]);
  }
  assert.deepEqual(found(""), []);
});

test("links are found where they are, without the signs of the sentence around them", () => {
  for (const [text, href] of [
    ["see https://example.com/a.", "https://example.com/a"],
    ["(https://example.com/a_(b))", "https://example.com/a_(b)"],
    ["(https://example.com/a_(b)).", "https://example.com/a_(b)"],
    ["HTTP://EXAMPLE.com/X!", "http://example.com/X"],
    ["https://example.com/?q=1&r=%20#top, and", "https://example.com/?q=1&r=%20#top"],
    ["'https://example.com/'", "https://example.com/"],
    ["**https://example.com/x**", "https://example.com/x"],
    ["http://[::1]:8080/x", "http://[::1]:8080/x"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"],
  ]) {
    assert.deepEqual(links(text), [href], text);
    assert.equal(parts(text).map((part) => part.text).join(""), text);
  }
  assert.equal(links("https://a.example https://b.example\nhttps://c.example").length, 3);
});

test("nothing but http and https is a link, and none that looks like another one", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "ftp://example.com/",
    "xhttps://example.com/",
    "https://",
    "https://?",
    "https://bank.example@evil.example/",
    "https://user:secret@example.com/",
    "https://\u202eexample.com",
  ]) {
    assert.deepEqual(links(text), [], text);
    assert.equal(parts(text).map((part) => part.text).join(""), text);
  }
  assert.deepEqual(found("https://a.example/\u202egnp.exe")[0], ["link", "https://a.example/"]);
  assert.deepEqual(links('https://a.example/"onmouseover="alert(1)'), ["https://a.example/"]);
});

test("code within a line, and blocks between fences", () => {
  assert.deepEqual(found("use `rm -r` here"), [["text", "use "], ["code", "rm -r"], ["text", " here"]]);
  assert.deepEqual(found("`a` `b\n`"), [["code", "a"], ["text", " `b\n`"]]);
  assert.deepEqual(found("so:\n```py\nfor x in y:\n    z\n```\nsee"), [
    ["text", "so:"],
    ["block", "for x in y:\n    z"],
    ["text", "see"],
  ]);
  assert.deepEqual(found("```one line```"), [["block", "one line"]]);
  assert.deepEqual(found("```\n\n```"), [["text", "```\n\n```"]]);
  assert.deepEqual(links("`https://a.example` ```\nhttps://b.example\n```"), []);
});

test("what is no text is none", () => {
  assert.equal(textOf({ content: "Lunch?" }), "Lunch?");
  for (const data of [{ content: { toString: 1 } }, { content: null }, {}, undefined]) assert.equal(textOf(data), "");
});

test("it takes no more time than the text is long", () => {
  const size = 65_536;
  for (const piece of ["`", "```", "`a", "http://", "https://a.b/)", "(", "https://x.y/((", "\n`", "```\n", "h", "@", ".", "\u202e"]) {
    const text = piece.repeat(size / piece.length);
    for (const hostile of [text, `https://a.example/${text}`, `\`${text}`, `\`\`\`${text}`]) {
      const start = performance.now();
      parts(hostile);
      assert.ok(performance.now() - start < 1000, JSON.stringify(hostile.slice(0, 30)));
    }
  }
});
