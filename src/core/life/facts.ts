import { readAnswer } from "../stop.ts";
import type { Asked, FactsThen, World } from "./world.ts";

const MET = readAnswer("met", "the stop condition is met");
const NOT_MET = readAnswer("not_met", "the stop condition is not met");
const UNKNOWN = readAnswer("unknown", "nobody answers");

/** What a decision rests on in this world, at an instant. */
export function factsOf({ stopMetAt, facts, silences }: World, asked: Asked): FactsThen {
  const { reminder, now } = asked;
  if (silences?.some(({ from, until }) => from <= now && now < until))
    return { stop: UNKNOWN, onUnknown: reminder.onUnknown };
  if (facts) return facts(asked);
  const isMet = stopMetAt !== null && stopMetAt <= now;
  return { stop: isMet ? MET : NOT_MET };
}
