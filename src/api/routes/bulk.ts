import type { Channels } from "../../channels/registry.ts";
import type { NewReminder } from "../../store/reminders.ts";
import type { Api, ApiContext } from "../context.ts";
import { type Created, createReminders } from "../create-reminder.ts";
import { toNewReminder } from "../new-reminder.ts";
import { Problem, under } from "../problem.ts";
import { answers, BODY_REFUSALS, refuses } from "../responses.ts";
import { type CreatedReminder, CreatedReminders, CreateReminders, MAX_BULK } from "../schemas/bulk.ts";
import { CreateReminder, toReminderJson } from "../schemas/reminder.ts";
import { validate } from "../validation.ts";

/** Ten kilobytes for each, where all have come. */
const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

export function bulkRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
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
          "the answer says so for each, in order; those that are wrong don't keep out the others. All that are created " +
          "are created in one transaction. Sending a request twice does no harm.",
        body: CreateReminders,
        response: {
          200: answers(CreatedReminders, "What became of each."),
          ...refuses(...BODY_REFUSALS),
        },
      },
    },
    async (request) => {
      const { database, body } = request;
      const wishes = body.reminders.map((wish) => understand(wish, channels));
      const wanted = wishes.flatMap((wish) => (wish instanceof Problem ? [] : [wish]));
      const created = wanted.length > 0 ? await createReminders(database, wanted) : [];
      const ids = created.filter(({ isNew }) => isNew).map(({ reminder }) => reminder.id);
      request.auditDetails = { created: ids };
      let next = 0;
      const results = wishes.map((wish, index): CreatedReminder => {
        if (wish instanceof Problem) return { status: 422, errors: under(["reminders", index], wish.errors) };
        const { reminder, isNew } = created[next++] as Created;
        return { status: isNew ? 201 : 200, reminder: toReminderJson(reminder) };
      });
      return { results };
    },
  );
}

/** The reminder that an item asks for, or why it asks for none. */
function understand(wish: unknown, channels: Channels): NewReminder | Problem {
  try {
    return toNewReminder(validate(CreateReminder, wish, "body"), channels);
  } catch (error) {
    if (error instanceof Problem && error.status === 422) return error;
    throw error;
  }
}
