import type { StopConditionKind } from "./condition.ts";

/** Met when the flag that the condition names is true in `status_flags`. */
export const dbCheck: StopConditionKind = {
  name: "db_check",
  answer: (condition, { flagKey, flagIsSet }) => {
    const key = flagKey ?? condition.value;
    return { met: flagIsSet, because: `flag "${key}" is ${flagIsSet ? "set" : "not set"}` };
  },
};
