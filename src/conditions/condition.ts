import type { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import type { CompletionReason, Reminder, StopCondition } from "../core/reminder.ts";
import type { StopAnswer } from "../core/stop.ts";
import type { StopSubject } from "../core/stop-subject.ts";
import type { GuardedHttp, SqlQueries } from "./asking.ts";

/** What placeholders are filled in from. */
export type Entity = Pick<Reminder, "entityType" | "entityId" | "eventType">;

/** What all kinds of stop conditions say of themselves. One file each, and one line in the registry. */
interface Described {
  /** `stop_condition_type` in the API. */
  name: string;
  /** What it asks, in a sentence or two of Markdown. */
  description: string;
  example: { value?: string; settings?: JsonObject };
  /** What `stop_condition_value` must be; null: it takes no value. */
  value: z.ZodType<string> | null;
  /** What `stop_condition_settings` must be; null: it takes none. */
  settings: z.ZodType<JsonObject> | null;
}

export interface StopConditionKind extends Described {
  /** True where the answer comes over the network or from another database: it is asked outside any transaction. */
  asksOutside: boolean;
  /** `completion_reason` of what it completes; not given: `stop_condition`. */
  completionReason?: CompletionReason;
  /** The flags whose values it wants in `subject.flags`, placeholders filled in. */
  flagKeys?(condition: StopCondition, entity: Entity): readonly string[];
  /**
   * With `asksOutside`: the same text for what is the same question, everything of the reminder that it depends on filled in
   * (`canonicalJson` makes one). An answer that is still fresh serves all that ask the same for one tenant. Not given: each
   * reminder's question is its own.
   */
  question?(condition: StopCondition, subject: StopSubject): string;
  /** With `asksOutside`: whom it asks, such as a host or a database. One that hangs delays only what asks the same. */
  service?(condition: StopCondition, subject: StopSubject): string;
  /**
   * With `asksOutside`: why it can never be answered in this installation, as far as that is certain before it is asked: a
   * sentence about its value, such as "must be …". Not given, or null: nothing is known against it.
   */
  objection?(condition: StopCondition, installation: Installation, tenantId: string): string | null;
  /**
   * Whether the thing is done. At once where it doesn't ask outside. The condition has passed its own schemas. What is
   * outside and can't be asked, or answers what can't be understood, is `unknown`, with a sentence that names it and holds no
   * secret; `CannotAsk` says the same.
   */
  answer(condition: StopCondition, subject: StopSubject, asking: Asking): StopAnswer | Promise<StopAnswer>;
}

/** A condition made of others, in three-valued logic. */
export interface CombiningKind extends Described {
  /** The conditions that it is made of, and where in its settings each stands. */
  parts(condition: StopCondition): readonly { condition: StopCondition; path: readonly (string | number)[] }[];
  /**
   * What the answers of its parts, in order, come to; null for one that isn't there yet, and for an outcome that depends on
   * such a one.
   */
  combine(answers: readonly (StopAnswer | null)[]): StopAnswer | null;
}

/** What is configured for those who ask, as far as it is known where conditions are written. */
export interface Installation {
  /** Why requests to a URL will be refused, to go on from "it"; null: that isn't certain. */
  refusesUrl(url: string): string | null;
  /** Whether a tenant may use a query of this name; null: only workers know. */
  hasQuery(name: string, tenantId: string): boolean | null;
}

/** What a kind may use to ask outside. */
export interface Asking {
  /** Aborted when there is no more time for an answer. */
  signal: AbortSignal;
  http: GuardedHttp;
  /** A secret of the reminder's tenant that was stored for this origin. Throws `CannotAsk` where there is none. */
  secret(name: string, origin: string): Promise<string>;
  queries: SqlQueries;
}

/** Nobody can say, because of what its message says: a sentence for a person, without any secret in it. */
export class CannotAsk extends Error {
  override name = "CannotAsk";
}
