/** The texts of the page: each language has all of them, and the page has no others. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES } from "../../tornado_chat/web/static/page/words.js";
import english from "../../tornado_chat/web/static/page/words/en.js";

const PAGE = new URL("../../tornado_chat/web/static/page/", import.meta.url);
const KEYS = Object.keys(english);
const AREAS = [...new Set(KEYS.map((key) => key.split(".")[0]))];

/** The names in braces. */
function places(text) {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
}

function forms(words) {
  return typeof words === "string" ? [words] : Object.values(words);
}

test("each file of words is a language that one can choose", () => {
  const files = readdirSync(new URL("words/", PAGE)).map((name) => name.replace(/\.js$/, ""));
  assert.deepEqual(files.sort(), Object.keys(LANGUAGES).sort());
});

for (const [code, { load }] of Object.entries(LANGUAGES)) {
  test(`${code} has the same keys, in the same order`, async () => {
    assert.deepEqual(Object.keys((await load()).default), KEYS);
  });

  test(`${code} has the forms that its grammar knows, and puts the same in`, async () => {
    const { pluralCategories } = new Intl.PluralRules(code).resolvedOptions();
    for (const [key, words] of Object.entries((await load()).default)) {
      const most = places(forms(english[key]).at(-1));
      assert.equal(typeof words, typeof english[key], key);
      if (typeof words !== "string") {
        assert.deepEqual(Object.keys(words).sort(), [...pluralCategories].sort(), key);
      }
      for (const form of forms(words)) {
        assert.ok(form.trim(), key);
        const missing = most.filter((name) => !places(form).includes(name));
        if (form !== words.one) assert.deepEqual(missing, [], key); // "one message" needs no number
        assert.deepEqual(places(form).filter((name) => !most.includes(name)), [], key);
      }
    }
  });
}

// In the code a key stands as it is, or as a template: t(`link.${state}`).

const CODE = readdirSync(PAGE, { recursive: true })
  .filter((name) => name.endsWith(".js") && !name.startsWith("words/"))
  .map((name) => readFileSync(new URL(name, PAGE), "utf8"))
  .join("\n");
const NAMED = new Set(
  [...CODE.matchAll(new RegExp(`["'\`]((?:${AREAS.join("|")})(?:\\.\\w+)+)["'\`]`, "g"))].map(([, key]) => key),
);
const TEMPLATES = [...CODE.matchAll(/\bt\(\s*`([^`]*\$\{[^`]*)`/g)].map(
  ([, text]) => new RegExp(`^${text.replaceAll(".", "\\.").replace(/\$\{[^}]*\}/g, "\\w+")}$`),
);

test("each key in the code has its text", () => {
  assert.ok(NAMED.size && TEMPLATES.length);
  assert.deepEqual([...NAMED].filter((key) => !(key in english)), []);
  for (const template of TEMPLATES) assert.ok(KEYS.some((key) => template.test(key)), `${template}`);
});

test("each text is used", () => {
  const used = (key) => NAMED.has(key) || TEMPLATES.some((template) => template.test(key));
  assert.deepEqual(KEYS.filter((key) => !used(key)), []);
});
