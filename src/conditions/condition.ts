import type { z } from "zod";
import type { JsonObject, StopCondition } from "../core/reminder.ts";
import type { StopAnswer, StopReminder, StopSubject } from "../core/stop.ts";
import type { GuardedHttp, SqlQueries } from "./asking.ts";

/** A kind of stop condition. One file each, and one line in the registry. */
export interface StopConditionKind {
  /** `stop_condition_type` in the API. */
  name: string;
  /** What it asks, in a sentence or two of Markdown. */
  description: string;
  example: { value?: string; settings?: JsonObject };
  /** What `stop_condition_value` must be; null: it takes no value. */
  value: z.ZodType<string> | null;
  /** What `stop_condition_settings` must be; null: it takes none. */
  settings: z.ZodType<JsonObject> | null;
  /** True where the answer comes over the network or from another database: it is asked outside any transaction. */
  asksOutside: boolean;
  /** The flags whose values it wants in `subject.flags`, placeholders filled in. */
  flagKeys?(condition: StopCondition, reminder: StopReminder): readonly string[];
  /**
   * With `asksOutside`: the same text for what is the same question, everything of the reminder that it depends on filled in
   * (`canonicalJson` makes one). An answer that is still fresh serves all that ask the same for one tenant. Not given: each
   * reminder's question is its own.
   */
  question?(condition: StopCondition, subject: StopSubject): string;
  /** With `asksOutside`: whom it asks, such as a host or a database. One that hangs delays only what asks the same. */
  service?(condition: StopCondition, subject: StopSubject): string;
  /**
   * Whether the thing is done. At once where it doesn't ask outside. What is outside and can't be asked, or answers what
   * can't be understood, is `unknown`, with a sentence that names it and holds no secret; a thrown error is taken for that too.
   */
  answer(condition: StopCondition, subject: StopSubject, asking: Asking): StopAnswer | Promise<StopAnswer>;
}

/** What a kind may use to ask outside. */
export interface Asking {
  /** Aborted when there is no more time for an answer. */
  signal: AbortSignal;
  http: GuardedHttp;
  /** The value of this secret of the reminder's tenant. Throws where there is none. */
  secret(name: string): Promise<string>;
  queries: SqlQueries;
}

/** A condition made of others, in three-valued logic. */
export interface CombiningKind
  extends Omit<StopConditionKind, "answer" | "flagKeys" | "question" | "service" | "settings"> {
  settings: z.ZodType<JsonObject>;
  /** The conditions that it is made of. */
  parts(condition: StopCondition): readonly StopCondition[];
  /** What the answers so far come to; null for an answer that isn't there yet, and for an outcome that depends on those. */
  combine(answers: readonly (StopAnswer | null)[]): StopAnswer | null;
}
