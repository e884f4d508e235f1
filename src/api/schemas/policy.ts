import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import { DEFAULT_SHARE, PREFERRED, type StepText } from "../../core/policy.ts";
import type { OnCall, Shift } from "../../core/rota.ts";
import type { PolicyRow } from "../../store/policies.ts";
import { ANY } from "../../templates/template.ts";
import { contactRef } from "./contact.ts";
import { addressable, isoInstant, line, text, wholeNumber } from "./fields.ts";

export const policyName = line(100);
const newPolicyName = addressable(policyName);
/** A year, as for reminders. */
const MOST_MINUTES = 527_040;
const MOST_STEPS = 20;
const MOST_TARGETS = 20;
const MOST_ROTAS = 5;
/** Characters of all the calendars of a policy: what is read within some 50 ms, however it is written. */
export const LONGEST_ICS = 24_000;

const minutes = wholeNumber({ min: 1, max: MOST_MINUTES });
const duration = line(40);
const rotaName = line(50);

const After = z
  .union(
    [
      z.strictObject({ sends: wholeNumber({ min: 1, max: 10_000 }) }),
      z.strictObject({ elapsed: duration }),
      z.strictObject({ working_time: duration }),
      z.strictObject({ deadline: duration }),
    ],
    { error: 'must be one of {"sends": 3}, {"elapsed": "P1D"}, {"working_time": "PT8H"} and {"deadline": "-P1D"}' },
  )
  .describe(
    "When it begins: after so many sends (`sends`), so long after the first occurrence (`elapsed`, or `working_time` by the " +
      "reminder's calendar), or around the reminder's `deadline_at` (`deadline`, negative for before). Durations of ISO 8601, " +
      "like PT4H or -P1D; days of `working_time` are working days. Left out for the first step: at once; for others: once the one " +
      "before has been repeated.",
  );

const Target = z
  .union(
    [
      z.enum(["recipient", "manager"]),
      z.strictObject({ contact: contactRef }),
      z.strictObject({ address: line(500) }),
      z.strictObject({ rota: rotaName }),
    ],
    { error: 'must be "recipient", "manager", {"contact": {...}}, {"address": "..."} or {"rota": "..."}' },
  )
  .describe(
    "`recipient`: to whom the reminder would go anyway; `manager`: that contact's manager; another contact; an address in the " +
      "step's channel; whoever is on call by a rota of this policy.",
  );

/** What a step may name. */
export const stepTemplate = line(100).refine((name) => name !== ANY, {
  error: "must name templates; left out, those of any event type are used as usual",
});

const Step = z.strictObject({
  after: After.nullish(),
  to: z
    .array(Target)
    .min(1)
    .max(MOST_TARGETS)
    .describe("Who gets it, each once. Where that is nobody, the recipient does."),
  channel: line(50)
    .nullish()
    .describe(`The channel; \`${PREFERRED}\`: the first that the person prefers. Left out: the reminder's.`),
  template: stepTemplate
    .nullish()
    .describe(
      "In which words: those of the templates that are stored under this name in the place of an event type. They come before the reminder's " +
        "own words. Left out, or as long as there are none: as usual. `*` is no name.",
    ),
  interval_minutes: minutes.nullish().describe("How often, while it lasts; left out: by the reminder's schedule."),
  cadence: z
    .strictObject({
      shortest_minutes: minutes,
      longest_minutes: minutes,
      share: z
        .number()
        .min(0.01)
        .max(1)
        .default(DEFAULT_SHARE)
        .describe("Each wait is this share of the time to the deadline or, after it, since."),
    })
    .nullish()
    .describe("Waits that tighten towards the reminder's `deadline_at` and decay after it."),
  repeat: wholeNumber({ min: 1, max: 1_000 })
    .nullish()
    .describe("How often it is given before the next one begins; for the last one: before the reminder is done."),
  one_click_unsubscribe: z
    .boolean()
    .nullish()
    .describe(
      "Whether mail programs show a button that unsubscribes from its e-mails with one click (RFC 8058): the address then gets no " +
        "more of the event type. It needs a PUBLIC_URL that begins with https://. Left out: no.",
    ),
});

/** What a read shows is no calendar any more. */
const A_CALENDAR = 'must be {"ics": "BEGIN:VCALENDAR..."}: give the calendar again, as a read shows only its shifts';

const rules = {
  steps: z
    .array(Step)
    .min(1)
    .max(MOST_STEPS)
    .describe("In order. A reminder goes on by one at a time, and passes over none."),
  rotas: z
    .record(
      rotaName,
      z.strictObject(
        { ics: text(LONGEST_ICS) },
        { error: ({ code }) => (code === "invalid_type" ? A_CALENDAR : undefined) },
      ),
    )
    .refine((rotas) => Object.keys(rotas).length <= MOST_ROTAS, `must be at most ${MOST_ROTAS}`)
    .refine(
      (rotas) => Object.values(rotas).reduce((length, { ics }) => length + ics.length, 0) <= LONGEST_ICS,
      `must have at most ${LONGEST_ICS} characters in all`,
    )
    .optional()
    .describe(
      "Who is on call when, by name: a calendar (RFC 5545) whose events are the shifts. Who: ATTENDEE's `mailto:` address, else " +
        "the SUMMARY, an e-mail address or a contact as `entity_type/entity_id`.",
    ),
  tell_when_done: z.boolean().optional().describe("Whether those whom it was escalated to are told once it is done."),
};

const force = z
  .boolean()
  .optional()
  .describe("True: though reminders that go by it would have nothing that ends them.");

const exampleSteps = [
  { after: { sends: 3 }, to: ["recipient", "manager"], interval_minutes: 240 },
  {
    after: { working_time: "PT16H" },
    to: [{ address: "ops@example.com" }],
    template: "urgent",
    interval_minutes: 60,
    repeat: 5,
  },
];

export const PutPolicy = z.strictObject({ ...rules, force }).meta({
  id: "PutPolicy",
  description: "Whom else a reminder goes to, the longer nothing happens.",
  example: { steps: exampleSteps, tell_when_done: true },
});

export const CreatePolicy = z.strictObject({ name: newPolicyName.describe("What reminders call it."), ...rules }).meta({
  id: "CreatePolicy",
  description: "Whom else a reminder goes to, the longer nothing happens.",
  example: { name: "invoices", steps: exampleSteps, tell_when_done: true },
});

export const policyParams = z.strictObject({
  name: policyName.meta({ description: "The policy's name.", example: "invoices" }),
});

const shown = z.string().nullable();
const ShownStep = z.strictObject({
  after: z.record(z.string(), z.union([z.string(), z.number()])).nullable(),
  to: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])),
  channel: shown,
  template: shown,
  interval_minutes: z.int().nullable(),
  cadence: z.strictObject({ shortest_minutes: z.int(), longest_minutes: z.int(), share: z.number() }).nullable(),
  repeat: z.int().nullable(),
  one_click_unsubscribe: z.boolean(),
});
const ShownShift = z.strictObject({
  who: z.string().describe("An address, or `entity_type/entity_id`."),
  from: isoInstant.nullable(),
  until: isoInstant.nullable(),
  rrule: shown.describe("With one that recurs: when it begins, by RFC 5545."),
  lasts_minutes: z.number().nullable(),
});

export const Policy = z
  .strictObject({
    name: z.string(),
    steps: z.array(ShownStep),
    rotas: z.record(z.string(), z.array(ShownShift)).describe("The shifts, as they were read."),
    tell_when_done: z.boolean(),
    version: z.int().describe("How often it was changed, the first time included."),
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "Policy",
    examples: [
      {
        name: "invoices",
        steps: exampleSteps.map((step) => toStepJson(step as StepText)),
        rotas: {},
        ...{ tell_when_done: true, version: 1 },
        ...{ created_at: "2026-01-15T10:30:00.000Z", updated_at: "2026-01-15T10:30:00.000Z" },
      },
    ],
  });

function toStepJson(step: StepText): z.output<typeof ShownStep> {
  return {
    after: step.after ?? null,
    to: step.to as z.output<typeof ShownStep>["to"],
    channel: step.channel ?? null,
    template: step.template ?? null,
    interval_minutes: step.interval_minutes ?? null,
    cadence: step.cadence ?? null,
    repeat: step.repeat ?? null,
    one_click_unsubscribe: step.one_click_unsubscribe ?? false,
  };
}

function whoOf(who: OnCall): string {
  return "address" in who ? who.address : `${who.contact.entity_type}/${who.contact.entity_id}`;
}

function toShiftJson(shift: Shift): z.output<typeof ShownShift> {
  const who = whoOf(shift.who);
  if ("from" in shift)
    return { who, from: toIso(shift.from), until: toIso(shift.until), rrule: null, lasts_minutes: null };
  return { who, from: null, until: null, rrule: shift.rrule, lasts_minutes: shift.lastsMs / 60_000 };
}

export function toPolicyJson(policy: PolicyRow): z.output<typeof Policy> {
  const { name, steps, rotas, tellWhenDone, version, createdAt, updatedAt } = policy;
  return {
    name,
    steps: steps.map(toStepJson),
    rotas: Object.fromEntries(Object.entries(rotas).map(([rota, shifts]) => [rota, shifts.map(toShiftJson)])),
    tell_when_done: tellWhenDone,
    version,
    created_at: toIso(createdAt),
    updated_at: toIso(updatedAt),
  };
}
