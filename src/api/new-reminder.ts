import type { z } from "zod";
import type { Channels } from "../channels/registry.ts";
import { flagKey, MAX_FLAG_KEY_LENGTH } from "../core/flag-key.ts";
import type { StopCondition } from "../core/reminder.ts";
import type { NewReminder } from "../store/reminders.ts";
import { parseRecipient } from "./channel-check.ts";
import { invalidField } from "./problem.ts";
import { type CreateReminder, toStopCondition } from "./schemas/reminder.ts";
import { lengthOf } from "./schemas/text.ts";

/** The reminder that a request asks for. Throws a 422 where the channel or the flag can't be as the request says. */
export function toNewReminder(wish: z.output<typeof CreateReminder>, channels: Channels): NewReminder {
  const reminder = {
    entityType: wish.entity_type,
    entityId: wish.entity_id,
    eventType: wish.event_type,
    channel: wish.channel,
    recipient: parseRecipient(channels, wish.channel, wish.recipient ?? null),
    subject: wish.subject ?? null,
    message: wish.message ?? null,
    data: wish.data ?? {},
    timeZone: wish.time_zone ?? null,
    scheduleType: wish.schedule_type,
    intervalMinutes: wish.interval_minutes ?? null,
    runAt: wish.run_at ?? null,
    stopCondition: toStopCondition(wish),
  };
  checkFlagKey(reminder.stopCondition, reminder);
  return reminder;
}

/** Throws a 422 where a stop condition, its placeholders filled in, names a flag that can't be. */
export function checkFlagKey(stopCondition: StopCondition | null, entity: Parameters<typeof flagKey>[1]): void {
  if (stopCondition === null) return;
  const key = flagKey(stopCondition.value, entity);
  if (key.length <= MAX_FLAG_KEY_LENGTH || lengthOf(key) <= MAX_FLAG_KEY_LENGTH) return;
  const message = `must name a flag of at most ${MAX_FLAG_KEY_LENGTH} characters once its placeholders are filled in`;
  throw invalidField("stop_condition_value", message);
}
