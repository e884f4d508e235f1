import fc from "fast-check";

/** What a field of this name may well hold, where its schema says no more than that it is text. */
const DICTIONARY: Record<string, readonly string[]> = {
  channel: ["email", "email", "email", "console"],
  entity_type: ["invoice", "interviewer", "règle", "类型"],
  entity_id: ["1", "2", "3", "INT_100", "a/b", "a b", "ü", "%2F", "..", "🙂"],
  event_type: ["payment", "feedback_form", "e"],
  recipient: ["a@example.org", "Somebody <b@example.org>", "ü@example.org"],
  email: ["a@example.org", "b@example.com"],
  time_zone: ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"],
  locale: ["en", "de-AT", "zh-Hant-TW"],
  subject: ["Hello", "{{ entity_id }}", "{{ data.a | upcase }}", "{% if data.b %}yes{% endif %}"],
  message: [
    "Pay {{ data.amount }}",
    "{% for x in data.list %}{{ x }}{% endfor %}",
    "multi\nline\ttext",
    "{{ 1 | divided_by: 0 }}",
  ],
  stop_condition_type: ["db_check"],
  stop_condition_value: ["paid", "done", "{entity_type}:{entity_id}", "feedback_submitted"],
  key: ["paid", "done", "invoice:1", "feedback_submitted", "a/b", "%", "ü"],
};

export function wordsFor(name: string): readonly string[] | undefined {
  return DICTIONARY[name];
}

/** Text that has broken programs before. */
export const NASTY_WORDS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "\r\nX-Injected: 1",
  "\u2028",
  "\u202etxt",
  "\ufeff",
  "'; drop table reminder_jobs; --",
  "$1",
  "%s%n",
  "{{ 'x' | append: 'y' }}",
  "{% for i in (1..99999999) %}x{% endfor %}",
  "{{",
  "{%",
  "../../../etc/passwd",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "undefined",
  "NaN",
  "-0",
  "1e999",
  "0x10",
  "９",
  "9007199254740993",
  "99999999999999999999999999",
  "2026-02-30T00:00:00Z",
  "2026-01-01T24:00:00Z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:60Z",
  "+010000-01-01T00:00:00Z",
  "infinity",
  "Etc/GMT+99",
  "+01:00",
  "a".repeat(201),
  "é".repeat(501),
  "🙂".repeat(200),
  "x".repeat(20_001),
];

export const nastyWord: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY_WORDS) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
);

/** Text from `min` to `max` characters, now and then just as long as it may be. */
export function textOf(min: number, max: number): fc.Arbitrary<string> {
  const any = fc.string({ unit: "grapheme", minLength: min, maxLength: Math.min(max, 24) });
  if (max > 1_000) return any;
  return fc.oneof(
    { weight: 6, arbitrary: any },
    { weight: 1, arbitrary: fc.constantFrom("a", "é", "字", "🙂").map((character) => character.repeat(max)) },
  );
}
