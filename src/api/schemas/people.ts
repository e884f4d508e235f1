import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import { type CompletesWhen, MOST_RECIPIENTS, NO_PEOPLE, type People, type Recipient } from "../../core/people.ts";
import { contactRef } from "./contact.ts";
import { instant, isoInstant, line, wholeNumber } from "./fields.ts";

/** The fields of a request that say whom it is for, besides its one recipient. */
export const peopleFields = {
  policy: line(100)
    .nullish()
    .describe("The escalation policy that it goes by: see `/policies`. Another one is begun from its beginning."),
  deadline_at: instant
    .nullish()
    .describe("When the thing is to be done: by this, policies count. It ends nothing by itself."),
  recipients: z
    .array(z.union([line(500), contactRef], { error: "must be an address, or a contact's entity_type and entity_id" }))
    .min(1)
    .max(MOST_RECIPIENTS)
    .nullish()
    .describe(
      "Several people in place of `recipient`: addresses in the channel's own form, or contacts. Each gets a message of their own " +
        "at each occurrence, until they have done theirs.",
    ),
  completes_when: z
    .union([z.enum(["any", "all"]), z.strictObject({ quorum: wholeNumber({ min: 1, max: MOST_RECIPIENTS }) })], {
      error: `must be "any", "all", or {"quorum": n} with a whole number from 1 to ${MOST_RECIPIENTS}`,
    })
    .nullish()
    .describe(
      "How many of the recipients must have done theirs (`POST /reminders/{id}/done`): `any`, `all` (as usual), or a `quorum`.",
    ),
  reopen: z
    .boolean()
    .nullish()
    .describe(
      "Whether it begins anew, with the same id, history and threads, when the flag that completed it is set back.",
    ),
  force: z
    .boolean()
    .optional()
    .describe(
      "True: though it goes by a policy, has no cap and no stop condition, and would go on for ever. It isn't kept.",
    ),
};

export interface PeopleFields {
  policy?: string | null | undefined;
  deadline_at?: number | null | undefined;
  recipients?: (string | { entity_type: string; entity_id: string })[] | null | undefined;
  completes_when?: CompletesWhen | null | undefined;
  reopen?: boolean | null | undefined;
}

const shownRecipient = z.union([z.string(), z.strictObject({ entity_type: z.string(), entity_id: z.string() })]);

export const shownPeople = {
  policy: z.string().nullable(),
  policy_step: z.int().nullable().describe("Which step of its policy it came to; 0: none yet; null: it has no policy."),
  deadline_at: isoInstant.nullable(),
  recipients: z.array(shownRecipient).nullable(),
  completes_when: z.union([z.enum(["any", "all"]), z.strictObject({ quorum: z.int() })]).nullable(),
  reopen: z.boolean(),
};

export const examplePeople = {
  ...{ policy: null, policy_step: null, deadline_at: null, recipients: null, completes_when: null, reopen: false },
};

/** Recipients as they are kept. `parse`: an address in its channel's normal form. */
export function toRecipients(
  recipients: NonNullable<PeopleFields["recipients"]>,
  parse: (address: string, place: number) => string,
): Recipient[] {
  return recipients.map((one, place) => (typeof one === "string" ? { address: parse(one, place) } : { contact: one }));
}

/** What these fields make of it; what is undefined stays, null clears. `recipients`: as they are kept. */
export function editedPeople(former: People, said: PeopleFields, recipients: Recipient[] | null | undefined): People {
  const { policy, deadline_at: deadlineAt, completes_when: completesWhen, reopen } = said;
  const isSilent = [policy, deadlineAt, recipients, completesWhen, reopen].every((one) => one === undefined);
  if (isSilent) return former;
  const people: People = {
    policy: policy === undefined ? former.policy : policy,
    escalation: policy === undefined || policy === former.policy ? former.escalation : null,
    deadlineAt: deadlineAt === undefined ? former.deadlineAt : deadlineAt,
    recipients: recipients === undefined ? former.recipients : recipients,
    completesWhen: completesWhen === undefined ? former.completesWhen : (completesWhen ?? NO_PEOPLE.completesWhen),
    reopens: reopen === undefined ? former.reopens : (reopen ?? false),
  };
  const isUsual = people.policy === null && people.deadlineAt === null && people.recipients === null && !people.reopens;
  return isUsual && people.completesWhen === NO_PEOPLE.completesWhen ? NO_PEOPLE : people;
}

export function toPeopleJson(people: People): {
  [Name in keyof typeof shownPeople]: z.output<(typeof shownPeople)[Name]>;
} {
  const { policy, escalation, deadlineAt, recipients, completesWhen, reopens } = people;
  return {
    policy,
    policy_step: policy === null ? null : (escalation?.step ?? 0),
    deadline_at: toIso(deadlineAt),
    recipients: recipients?.map((one) => ("address" in one ? one.address : { ...one.contact })) ?? null,
    completes_when: recipients === null ? null : completesWhen,
    reopen: reopens,
  };
}
