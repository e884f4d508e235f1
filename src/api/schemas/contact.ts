import { z } from "zod";
import { type DigestWish, FEWEST_WINDOW_MINUTES, MOST_DIGESTS_A_DAY } from "../../core/digest.ts";
import type { ContactName } from "../../core/entity-name.ts";
import { toIso } from "../../core/instant.ts";
import { OVER_BUDGET } from "../../core/preferences.ts";
import type { Contact as ContactRow } from "../../core/reminder.ts";
import { CLOCK_TIME, MINUTES_PER_DAY } from "../../core/schedule/clock-time.ts";
import { instant, isoInstant, line, locale, timeZone } from "./fields.ts";
import { quietHours, shownQuietHours, toQuietHoursJson } from "./quiet-hours.ts";

export const contactParams = z.strictObject({
  entity_type: line(200).meta({ description: "The entity's type, as in its reminders.", example: "interviewer" }),
  entity_id: line(200).meta({ description: "The entity's id, as in its reminders.", example: "INT_100" }),
});

export const contactFilters = {
  entity_type: line(200)
    .meta({ description: "Only those of entities of this type.", example: "interviewer" })
    .optional(),
  address: line(500)
    .meta({
      description:
        "Only who is reached there, over whichever channel: by e-mail, phone or one of `addresses`; in capitals or not makes no difference.",
      example: "ann@example.com",
    })
    .optional(),
};

/** Where a page ends. */
export const contactPosition = z.tuple([line(200), line(200)]);

const exampleReach = {
  phone: "+4930123456",
  addresses: {},
  preferences: { channels: ["email"], opt_out: ["newsletter"] },
  manager: { entity_type: "team", entity_id: "hiring" },
  delegate: null,
};

/** People write numbers in groups; what stands in brackets may not be dialled, and is refused. */
function withoutGaps(number: string): string {
  return number.replace(/(?<=[\d+])[\s./-]+(?=\d)/g, "");
}

const PHONE = /^\+[1-9]\d{4,14}$/;
const MOST_CHANNELS = 20;
const MOST_OPT_OUTS = 200;
const MOST_A_DAY = 1_000;

export const contactRef = z.strictObject({
  entity_type: line(200).describe("The contact's entity type."),
  entity_id: line(200).describe("Its entity's id."),
});

const digest = z
  .strictObject({
    window_minutes: z
      .int()
      .min(FEWEST_WINDOW_MINUTES)
      .max(MINUTES_PER_DAY)
      .optional()
      .describe("So many minutes apart, counted from midnight by its clocks."),
    at: z
      .array(z.string().regex(CLOCK_TIME, "must be a time of the day, like 08:30"))
      .min(1)
      .max(MOST_DIGESTS_A_DAY)
      .optional()
      .describe("At these times of the day, by its clocks."),
    except: z.array(line(200)).max(MOST_OPT_OUTS).optional().describe("Event types that go by themselves, at once."),
  })
  .refine(
    ({ window_minutes: apart, at }) => (apart === undefined) !== (at === undefined),
    "must have either `window_minutes` or `at`",
  );

const preferences = z
  .strictObject({
    channels: z
      .array(line(50))
      .max(MOST_CHANNELS)
      .optional()
      .describe(
        "Names of channels, the dearest first: for steps that go by it, and where the usual one can't reach it.",
      ),
    opt_out: z
      .array(line(200))
      .max(MOST_OPT_OUTS)
      .optional()
      .describe(
        "Event types of which it wants no reminders; `*`: of none. Its messages are `suppressed`, with that reason.",
      ),
    digest: digest
      .optional()
      .describe("When what has come together for it goes as one message; left out: each goes at once, by itself."),
    max_per_day: z
      .int()
      .min(1)
      .max(MOST_A_DAY)
      .optional()
      .describe("At most so many messages within 24 hours, over all reminders and channels; left out: any number."),
    over_budget: z
      .enum(OVER_BUDGET)
      .optional()
      .describe(
        "What becomes of the rest: `hold` (as usual), each waits until there is room for it; `digest`, they come together then.",
      ),
  })
  .describe("What it would rather have.");

export const PutContact = z
  .strictObject({
    name: line(200).nullish().describe("How to address it."),
    email: line(500).nullish().describe("A single e-mail address."),
    time_zone: timeZone
      .nullish()
      .describe("IANA zone whose clocks its reminders go by, and in which its messages write instants."),
    locale: locale.nullish().describe("Its language: a tag of BCP 47."),
    quiet_hours: quietHours
      .nullish()
      .describe("When nothing is delivered, on its clocks. Left out: the tenant's quiet hours; an empty list: none."),
    phone: line(50)
      .overwrite(withoutGaps)
      .regex(PHONE, "must be a number in international form, like +4930123456")
      .nullish()
      .describe(
        "For channels that call numbers: with its country's code. Spaces, dots, dashes and slashes within it aren't kept.",
      ),
    addresses: z
      .record(line(50), line(500))
      .refine((addresses) => Object.keys(addresses).length <= MOST_CHANNELS, `must be at most ${MOST_CHANNELS}`)
      .nullish()
      .describe("Where it is reached over other channels: by the channel's name, in that channel's own form."),
    preferences: preferences.nullish(),
    manager: contactRef
      .nullish()
      .describe("The contact to which escalation policies turn after it. It need not be there yet."),
    delegate: contactRef.nullish().describe("The contact that gets its messages while it is away."),
    delegate_until: instant.nullish().describe("Until when the delegate does."),
  })
  .meta({
    id: "PutContact",
    description: "Where an entity is reached. What is left out is unknown.",
    example: {
      name: "Interviewer 100",
      email: "interviewer@example.com",
      time_zone: "Europe/Berlin",
      locale: "en",
      quiet_hours: [{ from: "22:00", to: "07:00" }],
      ...exampleReach,
    },
  });

// Looser than what may be said: plain SQL may have put other things there.
const shownPreferences = z.strictObject({
  channels: z.array(z.string()).optional(),
  opt_out: z.array(z.string()).optional(),
  digest: z
    .strictObject({
      window_minutes: z.number().optional(),
      at: z.array(z.string()).optional(),
      except: z.array(z.string()).optional(),
    })
    .optional(),
  max_per_day: z.number().optional(),
  over_budget: z.string().optional(),
});

const shownContactRef = z.strictObject({ entity_type: z.string(), entity_id: z.string() });

export const Contact = z
  .strictObject({
    entity_type: z.string(),
    entity_id: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    time_zone: z.string().nullable(),
    locale: z.string().nullable(),
    quiet_hours: shownQuietHours,
    phone: z.string().nullable(),
    addresses: z.record(z.string(), z.string()),
    preferences: shownPreferences,
    manager: shownContactRef.nullable(),
    delegate: shownContactRef.nullable(),
    delegate_until: isoInstant.nullable(),
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "Contact",
    examples: [
      {
        entity_type: "interviewer",
        entity_id: "INT_100",
        name: "Interviewer 100",
        email: "interviewer@example.com",
        time_zone: "Europe/Berlin",
        locale: "en",
        quiet_hours: [{ from: "22:00", to: "07:00" }],
        ...exampleReach,
        delegate_until: null,
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

export function toContactJson(contact: ContactRow): z.output<typeof Contact> {
  return {
    entity_type: contact.entityType,
    entity_id: contact.entityId,
    name: contact.name,
    email: contact.email,
    time_zone: contact.timeZone,
    locale: contact.locale,
    quiet_hours: toQuietHoursJson(contact.quietHours),
    phone: contact.phone,
    addresses: { ...contact.addresses },
    preferences: toPreferences(contact.preferences),
    manager: toContactRef(contact.manager),
    delegate: toContactRef(contact.delegate),
    delegate_until: toIso(contact.delegateUntil),
    created_at: toIso(contact.createdAt),
    updated_at: toIso(contact.updatedAt),
  };
}

function toContactRef(name: ContactName | null): z.output<typeof shownContactRef> | null {
  return name && { entity_type: name.entityType, entity_id: name.entityId };
}

function toPreferences(preferences: ContactRow["preferences"]): z.output<typeof shownPreferences> {
  const { channels, opt_out, digest, max_per_day, over_budget } = preferences ?? {};
  return {
    ...(channels ? { channels: [...channels] } : {}),
    ...(opt_out ? { opt_out: [...opt_out] } : {}),
    ...(digest ? { digest: toDigest(digest) } : {}),
    ...(max_per_day ? { max_per_day } : {}),
    ...(over_budget ? { over_budget } : {}),
  };
}

function toDigest({ window_minutes, at, except }: DigestWish): z.output<typeof shownPreferences>["digest"] {
  return {
    ...(window_minutes ? { window_minutes } : {}),
    ...(at ? { at: [...at] } : {}),
    ...(except ? { except: [...except] } : {}),
  };
}
