import type { Api } from "../context.ts";
import { createReminders, type Outcome } from "../create-reminder.ts";
import { FullTenants } from "../full-tenants.ts";
import { momentFor, type NewReminderContext, toNewReminder } from "../new-reminder.ts";
import { Problem, under } from "../problem.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { type CreatedReminder, CreatedReminders, CreateReminders, MAX_BULK } from "../schemas/bulk.ts";
import { CreateReminder, toReminderJson } from "../schemas/reminder.ts";
import { validate } from "../validation.ts";

/** Ten kilobytes for each, where all have come. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

export function bulkRoutes(api: Api, context: NewReminderContext): void {
  const full = new FullTenants();

  api.post(
    "/reminders/bulk",
    {
      config: { access: "reminders:write" },
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        operationId: "createReminders",
        tags: ["Reminders"],
        summary: "Create many reminders",
        description:
          `Up to ${MAX_BULK} at once, in at most 10 MiB. Each is created, found or refused as if it came by itself, and ` +
          "the answer says so for each, in order; those that are wrong, or for which the tenant's quota has no room, don't keep " +
          "out the others. All that are created are created in one transaction. Sending a request twice does no harm.",
        body: CreateReminders,
        response: {
          200: answers(CreatedReminders, "What became of each."),
          ...refuses(...BODY_REFUSALS),
        },
      },
    },
    async (request) => {
      const { database, body } = request;
      const understood = body.reminders.map((wish) => orProblem(() => validate(CreateReminder, wish, "body")));
      const moment = await momentFor(
        database,
        understood.flatMap((wish) => (wish instanceof Problem ? [] : [wish])),
      );
      const wishes = understood.map((wish) =>
        wish instanceof Problem ? wish : orProblem(() => toNewReminder(wish, context, moment, database.tenant)),
      );
      const wanted = wishes.flatMap((wish) => (wish instanceof Problem ? [] : [wish]));
      const created = wanted.length > 0 ? await createReminders(database, wanted, full) : [];
      const ids = created.flatMap((outcome) => ("isNew" in outcome && outcome.isNew ? [outcome.reminder.id] : []));
      request.auditDetails = { created: ids };
      let next = 0;
      const results = wishes.map((wish, index): CreatedReminder => {
        if (wish instanceof Problem) return { status: 422, errors: under(["reminders", index], wish.errors) };
        const outcome = created[next++] as Outcome;
        if (outcome instanceof Problem) return { status: 403, detail: outcome.message };
        const { reminder, isNew } = outcome;
        return { status: isNew ? 201 : 200, reminder: toReminderJson(reminder) };
      });
      return { results };
    },
  );
}

/** What an item makes, or why it makes nothing. */
function orProblem<T>(make: () => T): T | Problem {
  try {
    return make();
  } catch (error) {
    if (error instanceof Problem && error.status === 422) return error;
    throw error;
  }
}
