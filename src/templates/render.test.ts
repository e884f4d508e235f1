import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exampleMessage } from "../../test/support/message.ts";
import { BrokenTemplate } from "./liquid.ts";
import { renderMessage } from "./render.ts";

/** Every tag of a page, apart from links and line breaks, which text may have any number of. */
function structure(page: string): string[] {
  const tags = page.slice(page.indexOf("</style>")).match(/<[^>]*>?/g) ?? [];
  return tags.filter((tag) => !/^(<br>|<a href="https?:\/\/[^"<>]*">|<\/a>)$/.test(tag));
}

describe("whatever users write", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          "<script>",
          "</td>",
          "<img src=x onerror=alert(1)>",
          '"',
          "'",
          "&lt;",
          "<!--",
          "-->",
          "</title>",
          "javascript:x",
          "https://x.example/'\"><b>",
          "\r\n",
          "\n",
          "\u2028",
          "\0",
          "\u202e",
          "]]>",
          "`",
          "<",
          ">",
        ),
        { maxLength: 8 },
      )
      .map((pieces) => pieces.join("")),
  );
  const message = fc.record({
    entityType: nasty,
    entityId: nasty,
    eventType: nasty,
    text: nasty,
    name: nasty,
    hasContact: fc.boolean(),
    number: fc.integer({ min: 1, max: 3 }),
  });

  test("the HTML has the tags of the template and no others, and the subject is one line", () => {
    fc.assert(
      fc.property(message, ({ entityType, entityId, eventType, text, name, hasContact, number }) => {
        const write = (make: (text: string) => string) =>
          renderMessage(
            exampleMessage({
              recipient: "ann@example.com",
              contact: hasContact ? { name: make(name), email: "ann@example.com", timeZone: null, locale: null } : null,
              occurrenceNumber: number,
              reminder: {
                entityType: make(entityType),
                entityId: make(entityId),
                eventType: make(eventType),
                subject: "{{ data.text }}",
                message: "Hi {{ data.text }}",
                data: { text: make(text) },
              },
            }),
          );

        const written = write((text) => text);

        expect(structure(written.html)).toEqual(structure(write(() => "harmless").html));
        expect(written.subject).not.toMatch(/[\p{Cc}\u2028\u2029\p{Surrogate}]/u);
        expect(written.subject.length).toBeGreaterThan(0);
        expect(written.subject.length).toBeLessThanOrEqual(200);
        expect(written.text).not.toMatch(/[^\P{Cc}\n\t]/u);
      }),
      { numRuns: 500 },
    );
  });

  test("a template either fills in or is broken, and always says which field", () => {
    const liquid = fc
      .array(
        fc.constantFrom(
          "{{",
          "}}",
          "{%",
          "%}",
          "data",
          ".x",
          " ",
          "|",
          "if",
          "endif",
          "for i in",
          "(1..9)",
          "assign y =",
          "upcase",
          "'",
          "\n",
        ),
        { maxLength: 12 },
      )
      .map((pieces) => pieces.join(" "));
    fc.assert(
      fc.property(liquid, (template) => {
        try {
          renderMessage(exampleMessage({ reminder: { subject: template, data: { x: "<x>" } } }));
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenTemplate);
          expect(String(error)).toContain("the reminder's subject is broken: ");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a message", () => {
  test("with a web address in it gets a link, and only for the web", () => {
    const { html } = renderMessage(
      exampleMessage({
        reminder: { message: "See https://x.example/a?b=1&c=2. Or (http://y.example), not javascript:alert(1)." },
      }),
    );

    expect(html).toContain('See <a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>. Or (');
    expect(html).toContain('(<a href="http://y.example">http://y.example</a>), not javascript:alert(1).');
  });

  test("with line ends of any kind keeps its paragraphs", () => {
    const { text, html } = renderMessage(
      exampleMessage({ reminder: { message: "one\r\ntwo\r\n\r\n\r\nthree\u2028four" } }),
    );

    expect(text).toContain("one\ntwo\n\n\nthree\nfour");
    expect(html).toContain("one<br>\ntwo<br>\n<br>\nthree<br>\nfour");
  });

  test("whose subject is empty or white gets the built-in one", () => {
    for (const subject of [null, "", " \n ", "{{ data.nothing }}"]) {
      expect(renderMessage(exampleMessage({ reminder: { subject } })).subject).toBe(
        "Reminder: Feedback form (interviewer INT_100)",
      );
    }
  });

  test("whose subject is too long is cut between characters", () => {
    const { subject } = renderMessage(exampleMessage({ reminder: { subject: "👩‍👩‍👧‍👦".repeat(50) } }));

    expect(subject).toBe(`${"👩‍👩‍👧‍👦".repeat(18)}…`);
  });

  test("has no line turned around by a name in it", () => {
    const turning = { entityId: "\u202EINT\u2066_100", eventType: "feed\u202Eback" };
    const { subject, text, html } = renderMessage(
      exampleMessage({
        reminder: turning,
        contact: { name: "Ann \u202E", email: "ann@example.com", timeZone: null, locale: null },
      }),
    );
    for (const part of [subject, text, html]) expect(part).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/);
  });

  test("that comes once doesn't speak of others; the last one says so", () => {
    const once = renderMessage(exampleMessage({ occurrenceNumber: 1, nextRunAt: null })).text;
    const last = renderMessage(exampleMessage({ occurrenceNumber: 3, nextRunAt: null })).text;

    expect(once).toContain("This is a reminder: “Feedback form” for interviewer INT_100.");
    expect(once).not.toMatch(/number|next|stop/i);
    expect(last).toContain("Next one: none, this was the last");
    expect(last).not.toContain("stop by themselves");
  });

  test("writes its times in the reminder's zone, else the contact's, else UTC", () => {
    const contact = { name: null, email: null, timeZone: "Asia/Kolkata", locale: null };
    const text = (timeZone: string | null, of: typeof contact | null) =>
      renderMessage(exampleMessage({ contact: of, reminder: { timeZone } })).text;

    expect(text("America/New_York", contact)).toContain("at 9:30 AM EST");
    expect(text(null, contact)).toContain("at 8:00 PM GMT+5:30");
    expect(text(null, null)).toContain("at 2:30 PM UTC");
    expect(text("Nowhere/Land", null)).toContain("at 2:30 PM UTC");
  });

  test("loads nothing from the network and runs nothing", () => {
    const { html } = renderMessage(exampleMessage({ reminder: { message: "https://tracker.example/x.png" } }));

    expect(html).not.toMatch(/<(img|script|link|iframe|object|video|audio)\b|url\(|@import|@font-face/i);
  });
});

describe("a message to somebody else than the contact", () => {
  const contact = { name: "Ann", email: "ann@example.com", timeZone: "America/New_York", locale: "en-US" };
  const nextRunAt = Date.UTC(2025, 0, 15, 14, 30);
  const toBoss = (locale: string | null, timeZone: string | null, message: string | null = null) =>
    exampleMessage({
      ...{ recipient: "boss@example.com", contact, nextRunAt },
      addressed: { person: "person/boss", step: 1, template: null, as: "manager" },
      addressee: { name: "Bo", email: "boss@example.com", timeZone, locale },
      reminder: { message },
    });

  test.each([
    ["de", "Guten Tag Bo,", "Mittwoch, 15. Januar 2025 um 15:30 MEZ", "auch an Sie geht"],
    ["en-GB", "Hello Bo,", "15 January 2025 at 15:30 CET", "goes to you as well"],
    ["es", "Hola, Bo:", "miércoles, 15 de enero de 2025, 15:30 CET", "también se le envía a usted"],
    ["fr", "Bonjour Bo,", "mercredi 15 janvier 2025 à 15:30 UTC+1", "vous est aussi adressé"],
  ])("speaks %s to them, and goes by their clocks", (locale, greeting, next, why) => {
    const { text, html } = renderMessage(toBoss(locale, "Europe/Berlin"));
    for (const said of [greeting, next, why]) expect(text).toContain(said);
    expect(text).not.toContain("Ann");
    expect(html).toContain(`<html lang="${locale}">`);
  });

  test("says what their contact doesn't as it would to the reminder's contact", () => {
    const { text } = renderMessage(toBoss(null, null));
    expect(text).toContain("Hello Bo,");
    expect(text).toContain("Wednesday, January 15, 2025 at 9:30 AM EST");
  });

  test("may speak of both", () => {
    const message = "{{ contact.name }} / {{ addressee.name }} {{ addressee.email }} {{ addressee.time_zone }}";
    const bodyOf = (changes: Parameters<typeof exampleMessage>[0]) =>
      renderMessage(exampleMessage({ contact, ...changes, reminder: { message } })).body;
    expect(renderMessage(toBoss("de", "Europe/Berlin", message)).body).toBe("Ann / Bo boss@example.com Europe/Berlin");
    expect(bodyOf({})).toBe("Ann / Ann ann@example.com America/New_York");
    expect(bodyOf({ recipient: "U0123ABC" })).toBe("Ann / Ann ann@example.com America/New_York");
    expect(bodyOf({ recipient: "other@example.com" })).toBe("Ann /  other@example.com");
    expect(bodyOf({ recipient: "other@example.com", addressee: null })).toBe("Ann /  other@example.com");
  });
});

describe("where there is little room", () => {
  const data = { due: "2026-01-31", amount: 1234.5, currency: "EUR", url: "https://pay.example/42" };
  const payment = { entityType: "invoice", entityId: "42", eventType: "payment", data };
  const inShort = (reminder: object) => renderMessage(exampleMessage({ reminder: { ...payment, ...reminder } }));

  test("the built-in words say until when it is, how much, and where to do it", () => {
    const { body, saysSubject } = inShort({});
    expect(body.split("\n\n").slice(-2)).toEqual([
      "Due: January 31, 2026\nAmount: €1,234.50",
      "Pay now: https://pay.example/42",
    ]);
    expect(saysSubject).toBe(true);
  });

  test("words of one's own stay as they are, and whoever has a subject has it said", () => {
    expect(inShort({ message: "Pay." })).toMatchObject({ body: "Pay." });
    for (const own of [{ message: "Pay." }, { subject: "Rent" }]) expect(inShort(own).saysSubject).toBeUndefined();
  });
});
