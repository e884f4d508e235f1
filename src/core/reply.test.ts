import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ownWords, type Reply, readReply } from "./reply.ts";
import { namedDay } from "./until.ts";

/** A Wednesday. */
const TODAY = namedDay("2026-11-25") as number;

function read(text: string, fields: { subject?: string; autoSubmitted?: string } = {}): Reply | null {
  return readReply({ subject: "Re: Reminder: Feedback form", text, ...fields }, TODAY);
}

const snooze = (wanted: string): Reply => ({ kind: "snooze", wanted });
const promise = (wanted: string): Reply => ({ kind: "promise", wanted });

describe("what a reply says", () => {
  test.each<[string, Reply | null]>([
    ["done", { kind: "done" }],
    ["Done!\n\nAnn", { kind: "done" }],
    ["It's done, thanks", { kind: "done" }],
    ["Erledigt. Danke!", { kind: "done" }],
    ["C’est fait", { kind: "done" }],
    ["terminé", { kind: "done" }],
    ["Hecho, gracias", { kind: "done" }],
    ["Hi there,\n\ndone.\n", { kind: "done" }],
    ["✅", { kind: "done" }],
    ["snooze", snooze("1d")],
    ["snooze 2d", snooze("2d")],
    ["Snooze for 3 days please", snooze("3d")],
    ["remind me in a week", snooze("1w")],
    ["später: 2 Tage", snooze("2d")],
    ["plus tard, dans 3 jours", snooze("3d")],
    ["más tarde en una semana", snooze("1w")],
    ["snooze until Friday", snooze("2026-11-27")],
    ["snooze until Fri", snooze("2026-11-27")],
    ["snooze until Friday, 4 December", snooze("2026-12-04")],
    ["remind me next Tuesday", snooze("2026-12-01")],
    ["snooze until wednesday", snooze("2026-12-02")],
    ["snooze until 2026-12-04", snooze("2026-12-04")],
    ["verschieben bis 4.12.", snooze("2026-12-04")],
    ["I'll do it by Friday", promise("2026-11-27")],
    ["Ich mache es bis morgen", promise("2026-11-26")],
    ["Je le ferai d'ici le 1er décembre", promise("2026-12-01")],
    ["lo haré antes del 4 de enero", promise("2027-01-04")],
    ["not me", { kind: "not_me" }],
    ["Ich bin nicht zuständig.", { kind: "not_me" }],
    ["STOP", { kind: "stop" }],
    ["abmelden", { kind: "stop" }],
  ])("%j", (text, reply) => {
    expect(read(text)).toEqual(reply);
  });

  test.each([
    "not done",
    "Not done yet, sorry",
    "Is it done?",
    "when it is done I will tell you",
    "done? no",
    "stop by my office",
    "I'll do it",
    "snooze until whenever",
    "snooze? no! I was done monday",
    "I'll do it never, ask Bob on Monday",
    "I will do it if Bob pays by Friday",
    "remind me not on friday but next week",
    "Snooze in 2 weeks on Friday",
    "snooze 0d",
    "snooze until 04/05/2026",
    "",
    "Thanks!",
    "nicht erledigt",
    "pas fait",
  ])("%j says nothing that may be acted upon", (text) => {
    expect(read(text)).toBeNull();
  });
});

describe("what others wrote doesn't count", () => {
  test.each([
    "> done",
    "On Wed, Nov 25, 2026 at 9:00 AM Reminder System <r@example.com> wrote:\n> x\ndone",
    "On Wed, Nov 25, 2026 at 9:00 AM Reminder System <\nr@example.com> wrote:\ndone",
    "Am 25.11.2026 um 09:00 schrieb Reminder System:\ndone",
    "Le mer. 25 nov. 2026 à 09:00, Reminder System <r@example.com> a écrit :\ndone",
    "El mié, 25 nov 2026 a las 9:00, Reminder System escribió:\ndone",
    "-----Original Message-----\ndone",
    "________________________________\nFrom: r@example.com\ndone",
    "-- \ndone",
  ])("%j", (text) => {
    expect(read(text)).toBeNull();
    expect(read(`Erledigt\n\n${text}`)).toEqual({ kind: "done" });
  });
});

describe("out of office", () => {
  test.each<[string, string, string | null]>([
    ["Automatic reply: Reminder", "I am away until 4 December 2026 and back on the 5th.", "2026-12-04"],
    ["Out of Office", "Back on December 4th.", "2026-12-04"],
    ["Abwesenheitsnotiz", "Ich bin bis zum 04.12.2026 nicht im Büro.", "2026-12-04"],
    ["Réponse automatique : Rappel", "Je suis absent jusqu'au 4 décembre.", "2026-12-04"],
    ["Respuesta automática: Recordatorio", "Vuelvo el 4 de diciembre de 2026.", "2026-12-04"],
    ["Out of office", "I am away.", null],
    ["Out of Office", "I am out of the office since 20 November and return on 3 December.", "2026-12-03"],
    ["Automatic reply: Payment", "On vacation from 1 December until\n10 December.", "2026-12-10"],
    ["Automatic reply: Pay the rent by 20 December", "I am currently away from my desk.", null],
    ["Automatic reply: Contract ends 2027-06-30", "I am away until next year.", null],
    ["Automatic reply: x", "I am away until 24 November.", null],
    ["Automatic reply: x", "Ticket 7: we will look at it by 4 December 2026.", null],
  ])("%s", (subject, text, until) => {
    expect(read(text, { subject })).toEqual({ kind: "out_of_office", until });
  });

  test.each(["Re: Auto insurance renewal", "RE: Automatic renewal", "Re: Absence report", "AW: Abwesenheit melden"])(
    "a person's answer to %j isn't one",
    (subject) => {
      expect(read("done", { subject })).toEqual({ kind: "done" });
    },
  );

  test("whatever its subject, what says that a program sent it is no answer of a person", () => {
    expect(read("done", { autoSubmitted: "auto-replied" })).toEqual({ kind: "out_of_office", until: null });
    expect(read("done", { autoSubmitted: "no" })).toEqual({ kind: "done" });
  });
});

test("of very many lines the first are read: what comes behind them is no answer, and no absence", () => {
  const far = `${"\n".repeat(5_000)}done\nI am back on 2 February 2026`;
  expect(ownWords(far)).toBe("");
  expect(read(far)).toBeNull();
  expect(read(far, { autoSubmitted: "auto-replied" })).toEqual({ kind: "out_of_office", until: null });
});

test("no text takes long, and what is named as a day is one", () => {
  const hostile = [
    "on ".repeat(7_000),
    "> ".repeat(10_000),
    "-".repeat(20_000),
    `${"a ".repeat(9_000)}wrote:`,
    "1/".repeat(9_000),
    " ".repeat(20_000),
  ];
  const started = performance.now();
  for (const text of hostile) for (const subject of ["x", text]) read(`${text}\n`.repeat(2), { subject });
  expect(performance.now() - started).toBeLessThan(5_000);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, subject) => {
      const reply = readReply({ subject, text }, TODAY);
      if (reply?.kind === "out_of_office" && reply.until !== null) expect(namedDay(reply.until)).not.toBeNull();
    }),
  );
});
