import type { Answer } from "../answer.ts";
import type { LifecycleAction } from "../lifecycle.ts";
import type { ReminderEdit } from "../update.ts";

/** What a person wants of a reminder; or says that one of its people has done theirs. */
export type Wish = LifecycleAction | Answer | ReminderEdit | { kind: "person_done"; person: string };
