import type { ReminderRecord, StopCondition } from "../core/reminder.ts";
import { fieldError, invalid } from "./problem.ts";
import { type StopFields, stopFlaws, toStopCondition } from "./schemas/stop-condition.ts";

/**
 * The stop condition after an edit: what is left out stays, unless the kind changes, which brings its own value and settings;
 * clearing the kind, or the only other thing there is, clears all. Throws a 422 where the whole isn't right.
 */
export function editedStopCondition({ stopCondition }: ReminderRecord, edit: StopFields): StopCondition | null {
  const { stop_condition_type: type, stop_condition_value: value, stop_condition_settings: settings } = edit;
  if (type === undefined && value === undefined && settings === undefined) return stopCondition;
  const former = type === undefined || type === stopCondition?.type ? stopCondition : null;
  const fields = {
    stop_condition_type: type === undefined ? former?.type : type,
    stop_condition_value: value === undefined ? former?.value : value,
    stop_condition_settings: settings === undefined ? former?.settings : settings,
  };
  const isCleared = fields.stop_condition_value == null && fields.stop_condition_settings == null;
  if (isCleared && (type ?? null) === null) return null;
  const flaws = stopFlaws(fields);
  if (flaws.length > 0) throw invalid(flaws.map(({ path, message }) => fieldError("body", path, message)));
  return toStopCondition(fields);
}
