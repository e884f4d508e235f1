import { z } from "zod";
import { answerTo } from "../../core/answer.ts";
import { toIso } from "../../core/instant.ts";
import { listDone, recordDone } from "../../store/done.ts";
import { isHeldElsewhere } from "../../store/postgres.ts";
import { readReminder } from "../../store/reminders.ts";
import { auditWithin } from "../access/audit.ts";
import { noReminder } from "../change-reminder.ts";
import type { Api } from "../context.ts";
import { reminderEtag, tagged } from "../etag.ts";
import { conflict, invalidField, Problem } from "../problem.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { idParams, isoInstant, line } from "../schemas/fields.ts";
import { Reminder, toReminderJson } from "../schemas/reminder.ts";
import { takeNoneAsEmpty } from "../validation.ts";
import { changed, SOMEBODY } from "./silence.ts";

const RecordDone = z
  .strictObject({
    person: line(500)
      .nullish()
      .describe(
        "Who: an address as in `recipients`, or `entity_type/entity_id`. May be left out where the reminder has no `recipients`.",
      ),
  })
  .meta({ id: "RecordDone", description: "Who has done theirs.", example: { person: "interviewer@example.com" } });

const DoneBy = z
  .strictObject({ person: z.string(), done_at: isoInstant })
  .meta({ id: "DoneBy", examples: [{ person: "interviewer@example.com", done_at: "2026-01-15T10:30:00.000Z" }] });

export function doneRoutes(api: Api): void {
  api.post(
    "/reminders/:id/done",
    {
      config: { access: "reminders:write" },
      preValidation: takeNoneAsEmpty,
      schema: {
        operationId: "recordDone",
        tags: ["Reminder lifecycle"],
        summary: "Say that a person has done theirs",
        description:
          "They get it no more, and the reminder completes when as many have as `completes_when` says. Where it has no `recipients`, it is " +
          "as if whoever it reminds said so: that sets the flag that it waits for, which completes it and all others that wait for the same, or " +
          "completes it where it waits for none; `done_means` says otherwise; the body may be left out then. Doing it again changes nothing.",
        params: idParams,
        body: RecordDone,
        response: {
          200: answers(Reminder, "The reminder as it is now."),
          ...refuses(404, 409, 412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { database, params, body } = request;
      const { id } = params;
      const known = await readReminder(database, id);
      if (!known) throw noReminder(id);
      if (known.people.recipients === null) {
        const by = body.person == null ? SOMEBODY : { ...SOMEBODY, who: body.person };
        return changed(request, reply, id, (reminder, moment) => answerTo(reminder, { kind: "done" }, by, moment));
      }
      try {
        const reminder = await database.transaction(async (sql) => {
          const done = await recordDone(sql, id, body.person ?? null);
          if (done.kind === "no_reminder") throw noReminder(id);
          if (done.kind === "refused") throw conflict(`reminder ${id} can't be changed like that: ${done.because}`);
          if (done.kind === "nobody")
            throw invalidField(
              "person",
              `must be one of the reminder's recipients: ${done.persons.slice(0, 50).join(", ")}`,
            );
          await auditWithin(sql, request, 200);
          return done.reminder;
        });
        return tagged(reply, reminderEtag, toReminderJson(reminder));
      } catch (error) {
        if (!isHeldElsewhere(error)) throw error;
        throw new Problem(503, "somebody else is just changing this; try again", { headers: { "retry-after": "1" } });
      }
    },
  );

  api.get(
    "/reminders/:id/done",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "listDone",
        tags: ["Reminder history"],
        summary: "List who has done theirs",
        description: "In the order in which they did. As many as there are recipients, at most.",
        params: idParams,
        response: { 200: answers(z.array(DoneBy), "Who has."), ...refuses(404, 422) },
      },
    },
    async ({ database, params }) => {
      if (!(await readReminder(database, params.id))) throw noReminder(params.id);
      return (await listDone(database, params.id)).map(({ person, doneAt }) => ({ person, done_at: toIso(doneAt) }));
    },
  );
}
