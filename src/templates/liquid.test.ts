import { describe, expect, test } from "vitest";
import { BrokenTemplate, checkTemplate, fillIn, MAX_OUTPUT_LENGTH, MAX_TEMPLATE_LENGTH } from "./liquid.ts";

const style = { timeZone: "America/New_York", locale: "en" };
const render = (text: string, data: unknown = {}) => fillIn(text, { data }, style);

describe("what is wrong with a template is said when it is written", () => {
  test.each([
    ["{{ data.x", 'output "{{ data.x" not closed, line:1, col:1'],
    ["fine\n  {% if data.x %}", "tag {% if data.x %} not closed, line:2, col:3"],
    ["{{ data.x | shout }}", "undefined filter: shout, line:1, col:1"],
    ["{% shell 'ls' %}", 'tag "shell" not found, line:1, col:1'],
    ["{% include '/etc/passwd' %}", 'tag "include" not found, line:1, col:1'],
    ["{% render 'x' %}", 'tag "render" not found, line:1, col:1'],
    ["{% layout 'x' %}", 'tag "layout" not found, line:1, col:1'],
    ["{% block x %}{% endblock %}", 'tag "block" not found, line:1, col:1'],
  ])("%j: %s", (text, sentence) => {
    expect(checkTemplate(text)).toBe(sentence);
    expect(() => render(text)).toThrow(BrokenTemplate);
  });

  test("that it is too long", () => {
    expect(checkTemplate("x".repeat(MAX_TEMPLATE_LENGTH))).toBeNull();
    expect(checkTemplate("x".repeat(MAX_TEMPLATE_LENGTH + 1))).toContain("parse length limit exceeded");
  });

  test("nothing, for one that is fine", () => {
    expect(
      checkTemplate("Dear {{ contact.name | default: 'colleague' }}, {% for i in data.list %}{{ i }}{% endfor %}"),
    ).toBeNull();
  });
});

describe("a template writes", () => {
  test.each([
    ["{{ data.text }}|{{ data.nothing }}|{{ data.no.such.thing }}", "plain <b>|| "],
    ["{{ data.list }} {{ data.list | join: '+' }}", "1, 2 1+2 "],
    ["{{ data.object }}", '{"a":1} '],
    ["{{ data.at | date: '%H:%M %A' }}", "09:30 Wednesday "],
    ["{{ data.day | date: '%-d %B %Y' }}", "1 December 2025 "],
    ["{{ data.text | upcase | truncate: 5, '' }}", "PLAIN "],
    ["{% capture name %}{{ data.text }}!{% endcapture %}{{ name }}", "plain <b>! "],
  ])("%j", (text, written) => {
    const data = {
      text: "plain <b>",
      list: [1, 2],
      object: { a: 1 },
      at: "2025-01-15T14:30:00.000Z",
      day: "2025-12-01",
    };
    expect(`${render(text, data)} `).toBe(written);
  });

  test("dates in the reader's language", () => {
    const scope = { at: "2025-01-15T14:30:00.000Z" };
    expect(fillIn("{{ at | date: '%A, %-d. %B, %H:%M' }}", scope, { timeZone: "Europe/Berlin", locale: "de" })).toBe(
      "Mittwoch, 15. Januar, 15:30",
    );
  });

  test("whole characters only, even where it cuts one in two", () => {
    expect(render("{{ data.emoji | split: '' | first }}", { emoji: "📋" })).not.toMatch(/\p{Surrogate}/u);
  });
});

describe("a template in its cage", () => {
  test.each(["constructor", "__proto__", "toString", "constructor.constructor", "hasOwnProperty"])(
    "sees nothing of JavaScript: %s",
    (path) => {
      expect(render(`{{ data.${path} }}{{ data.list.${path} }}{{ data.text.${path} }}`, { list: [], text: "x" })).toBe(
        "",
      );
    },
  );

  test("sees what it is given, whatever it is called", () => {
    const data = JSON.parse('{"constructor": "mine", "__proto__": {"admin": "no"}}');
    expect(render("{{ data.constructor }}{{ data.admin }}", data)).toBe("mine");
  });

  test("leaves nothing behind for the next one", () => {
    const scope = { data: {} };
    fillIn("{% assign secret = 'x' %}{% increment n %}", scope, style);
    expect(fillIn("{{ secret }}", { data: {} }, style)).toBe("");
  });

  test.each([
    ["a range", "{% for i in (1..1000000000) %}x{% endfor %}", "memory alloc limit exceeded"],
    [
      "a doubling string",
      "{% assign s = 'ab' %}{% for i in (1..64) %}{% assign s = s | append: s %}{% endfor %}",
      "memory alloc limit exceeded",
    ],
    [
      "a doubling capture",
      "{% assign s = 'ab' %}{% for i in (1..64) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}",
      "memory alloc limit exceeded",
    ],
    [
      "a growing replacement",
      "{% assign s = 'aaaaaaaaaa' %}{% for i in (1..9) %}{% assign s = s | replace: 'a', 'aaaaaaaaaa' %}{% endfor %}",
      "memory alloc limit exceeded",
    ],
    ["padding", "{{ 'x' | date: '%100000000000Y' }}{{ 0 | date: '%9999999Y' }}", "memory alloc limit exceeded"],
    [
      "much output",
      `{% for i in (1..1000) %}${"x".repeat(100)}{% endfor %}`,
      `more than ${MAX_OUTPUT_LENGTH} characters come out`,
    ],
    [
      "loops in loops",
      "{% for a in data.l %}{% for b in data.l %}{% for c in data.l %}{% for d in data.l %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
      "template render limit exceeded",
    ],
  ])("takes no more than it may: %s", (_what, text, sentence) => {
    const data = { l: Array.from({ length: 1_000 }, (_, index) => index) };
    expect(() => render(text, data)).toThrow(BrokenTemplate);
    expect(() => render(text, data)).toThrow(sentence);
  });

  test("an object that can't be written breaks the template, not the worker", () => {
    expect(() => render("{{ data.x | upcase }}", { x: { toString: "x", valueOf: "x" } })).toThrow(BrokenTemplate);
  });
});
