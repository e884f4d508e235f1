import { z } from "zod";
import { EVIDENCE_TABLES, type Fact as FactOf } from "../../core/explain/fact.ts";
import { toIso } from "../../core/instant.ts";
import { isoInstant } from "./fields.ts";

const Fact = z.strictObject({
  kind: z
    .string()
    .describe(
      "Of the present: `active`, `paused`, `next`, `waits`, `unwanted`, `quiet`, `would_stop`, …; of the past: as in the timeline.",
    ),
  at: isoInstant.nullable().describe("When it happened, or will; null for what is simply so."),
  sentence: z.string(),
  evidence: z
    .strictObject({
      table: z.enum(EVIDENCE_TABLES),
      id: z
        .string()
        .describe(
          "The reminder's id, the delivery's, the event's, the flag's key, the contact's name, the address, or the tenant.",
        ),
      columns: z.array(z.string()).describe("Which columns say it; empty: the whole row."),
    })
    .describe("The row that the sentence rests on."),
});

const example = {
  as_of: "2026-01-15T12:00:00.000Z",
  reminder_id: 1,
  present: [
    {
      ...{ kind: "active", at: null, sentence: "It is ACTIVE: it fires when it is due." },
      evidence: { table: "reminder_jobs", id: "1", columns: ["status"] },
    },
    {
      ...{ kind: "next", at: "2026-01-15T12:30:00.000Z" },
      sentence: "It is due next on Thursday, 15 January 2026, 13:30 (Europe/Berlin, UTC+01:00).",
      evidence: { table: "reminder_jobs", id: "1", columns: ["next_run_at"] },
    },
  ],
  history: [
    {
      ...{ kind: "sent", at: "2026-01-15T11:30:00.480Z" },
      sentence:
        "The message for Thursday, 15 January 2026, 12:30 (Europe/Berlin, UTC+01:00) was sent to interviewer@example.com by email.",
      evidence: { table: "deliveries", id: "1-1768476600000-0", columns: ["status", "recipient", "finished_at"] },
    },
  ],
};

export const Explanation = z
  .strictObject({
    as_of: isoInstant,
    reminder_id: z.int(),
    present: z.array(Fact).describe("How it stands: what it waits for, when it is due next, and what would stop it."),
    history: z
      .array(Fact)
      .describe("Why it sent or didn't, each time: the newest first, page by page as the `Link` header leads."),
  })
  .meta({
    id: "Explanation",
    description: "Plain sentences, each with the row that it rests on.",
    examples: [example],
  });

export function toFactJson({ kind, at, sentence, evidence }: FactOf): z.output<typeof Fact> {
  return { kind, at: toIso(at), sentence, evidence: { ...evidence, columns: [...evidence.columns] } };
}
