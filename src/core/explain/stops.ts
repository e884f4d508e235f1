import type { Instant } from "../instant.ts";
import type { ReminderRecord } from "../reminder.ts";
import { parseRrule } from "../schedule/rrule.ts";
import { RuleError } from "../schedule/rule-error.ts";
import { saidInstant } from "../schedule/wall-text.ts";
import { counted, type Evidence, type Fact, ofReminder } from "./fact.ts";
import type { Present } from "./present.ts";

/** What would stop it, each thing by itself; where nothing would, that. */
export function stopsOf({ reminder, zone, flags, stop }: Present): Fact[] {
  const { stopCondition, bounds, schedule, occurrenceCount } = reminder;
  const would = (sentence: string, evidence: Evidence, at: Instant | null = null): Fact => ({
    kind: "would_stop",
    ...{ at, sentence, evidence },
  });
  const facts: Fact[] = flags.map(({ key, value, setAt }) => {
    const evidence: Evidence = { table: "status_flags", id: key, columns: ["value", "updated_at"] };
    const since = setAt === null ? "nobody has set it" : `it is ${value} since ${saidInstant(setAt, zone)}`;
    return would(`Its stop condition looks at the flag "${key}": ${since}.`, evidence, setAt);
  });
  if (stopCondition !== null && stop !== null) {
    const columns = ["stop_condition_type", "stop_condition_value", "stop_condition_settings"];
    if (stopCondition.type === "max_attempts") columns.push("sent_count");
    const says = { met: "is met", not_met: "is not met", unknown: "can't be said from what is here" }[stop.state];
    const sentence = `Once its stop condition, ${stopCondition.type}, is met, nothing more is sent. It ${says}: ${stop.because}.`;
    facts.push(would(sentence, ofReminder(reminder, ...columns)));
  }
  if (bounds.maxOccurrences !== null) {
    const sentence = `It has fired ${counted(occurrenceCount, "time")} of the ${bounds.maxOccurrences} that max_occurrences lets it.`;
    facts.push(would(sentence, ofReminder(reminder, "max_occurrences", "occurrence_count")));
  }
  if (bounds.endAt !== null) {
    const sentence = `Nothing is due after ${saidInstant(bounds.endAt, zone)}.`;
    facts.push(would(sentence, ofReminder(reminder, "end_at"), bounds.endAt));
  }
  const ends = endOf(reminder);
  if (ends !== null) facts.push(would(ends.sentence, ofReminder(reminder, ...ends.columns)));
  if (facts.length > 0) return facts;
  const evidence = ofReminder(reminder, "schedule_type", "stop_condition_type", "max_occurrences", "end_at");
  return [would(`Nothing stops this ${schedule.type} reminder but a person.`, evidence)];
}

/** How its schedule ends by itself, as it is written. */
function endOf({ schedule }: ReminderRecord): { sentence: string; columns: string[] } | null {
  switch (schedule.type) {
    case "one_time":
      return { sentence: "It is due once, and done with that.", columns: ["schedule_type"] };
    case "offsets":
      return { sentence: "It is done after the last of its offsets.", columns: ["offsets", "anchor_at"] };
    case "rrule": {
      const said = endOfRule(schedule.rrule);
      return said === null ? null : { sentence: `Its rule ends: ${said}.`, columns: ["rrule"] };
    }
    default:
      return null;
  }
}

function endOfRule(rrule: string): string | null {
  try {
    const { rule } = parseRrule(rrule);
    if (rule === null) return "it is a list of dates";
    if (rule.count !== null) return `COUNT=${rule.count}`;
    return rule.until === null ? null : `UNTIL=${rule.until}`;
  } catch (error) {
    if (error instanceof RuleError) return `it ${error.message}`;
    throw error;
  }
}
