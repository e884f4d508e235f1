import type { z } from "zod";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { StopCondition } from "../core/reminder.ts";
import { MAX_DEPTH, MAX_LEAVES } from "./combining.ts";
import type { Installation } from "./condition.ts";
import { isCombining, type Kind, kindOf, STOP_CONDITION_TYPES } from "./registry.ts";

/** What is wrong with a condition: where in it (`value`, `settings`, ...), and what would be right. */
export interface Flaw {
  path: readonly PropertyKey[];
  message: string;
}

/** As deep as the API takes JSON. Plain SQL can write what is so deep that whatever goes down it ends in a full stack. */
const MOST_NESTED = 32;

/** Sentences for what Zod finds by itself; see the API's. */
export type Sentences = z.core.$ZodErrorMap;

/** A condition as its kind's schemas make it, its parts included; or everything that is wrong with it. */
export function check(condition: StopCondition, sentences?: Sentences): StopCondition | readonly Flaw[] {
  const found = new Check(sentences);
  const checked = found.whole(condition, [], 0);
  if (found.leaves > MAX_LEAVES) {
    found.flaws.push({ path: ["settings"], message: `must be made of at most ${MAX_LEAVES} conditions` });
  }
  return found.flaws.length > 0 ? found.flaws : checked;
}

/** What in a condition that `check` has passed can never be answered in this installation, as far as that is certain. */
export function objectionsTo(
  condition: StopCondition,
  installation: Installation,
  tenantId: string,
  path: readonly PropertyKey[] = [],
): readonly Flaw[] {
  const kind = kindOf(condition);
  if (!kind) return [];
  if (isCombining(kind)) {
    return kind
      .parts(condition)
      .flatMap((part) => objectionsTo(part.condition, installation, tenantId, [...path, "settings", ...part.path]));
  }
  const message = kind.objection?.(condition, installation, tenantId) ?? null;
  return message === null ? [] : [{ path: [...path, "value"], message }];
}

/** A condition as its kind's schemas make it, its parts not looked at; or what is wrong with it, as a sentence. */
export function readable(condition: StopCondition): StopCondition | { flaw: string } {
  const kind = kindOf(condition);
  if (!kind) return { flaw: `stop condition type "${condition.type}" is not known here` };
  const found = new Check();
  const checked = found.itself(kind, condition, []);
  const [flaw] = found.flaws;
  return flaw
    ? { flaw: `its stop condition can't be read: ${flaw.path.map(String).join(".")} ${flaw.message}` }
    : checked;
}

class Check {
  readonly flaws: Flaw[] = [];
  leaves = 0;
  readonly #sentences: Sentences | undefined;

  constructor(sentences?: Sentences) {
    this.#sentences = sentences;
  }

  whole(condition: StopCondition, path: readonly PropertyKey[], depth: number): StopCondition {
    const kind = kindOf(condition);
    if (!kind) {
      const types = STOP_CONDITION_TYPES.map((type) => JSON.stringify(type)).join(", ");
      this.flaws.push({ path: [...path, "type"], message: `must be one of ${types}` });
      return condition;
    }
    const flawsBefore = this.flaws.length;
    const checked = this.itself(kind, condition, path);
    if (!isCombining(kind)) this.leaves += 1;
    else if (depth >= MAX_DEPTH) {
      this.flaws.push({ path, message: `must be nested at most ${MAX_DEPTH} deep` });
    } else if (this.flaws.length === flawsBefore) {
      for (const part of kind.parts(checked))
        this.whole(part.condition, [...path, "settings", ...part.path], depth + 1);
    }
    return checked;
  }

  itself(kind: Kind, condition: StopCondition, path: readonly PropertyKey[]): StopCondition {
    const { type, value, settings } = condition;
    if (isDeeper(settings, MOST_NESTED)) {
      this.flaws.push({ path: [...path, "settings"], message: `must be nested at most ${MOST_NESTED} deep` });
      return condition;
    }
    return {
      type,
      value: this.#field(kind, kind.value, value, [...path, "value"]),
      settings: this.#field<JsonObject>(kind, kind.settings, settings, [...path, "settings"]),
    };
  }

  #field<T>(kind: Kind, schema: z.ZodType<T> | null, given: T | null, path: readonly PropertyKey[]): T | null {
    if (schema === null) {
      if (given !== null) this.flaws.push({ path, message: `must be left out: ${kind.name} takes none` });
      return null;
    }
    const parsed = schema.safeParse(given ?? undefined, this.#sentences ? { error: this.#sentences } : {});
    // Where a kind can do without, leaving it out is as good as its schema says.
    if (parsed.success) return (parsed.data ?? null) as T | null;
    for (const issue of parsed.error.issues) {
      const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
      if (keys.length === 0) this.flaws.push({ path: [...path, ...issue.path], message: issue.message });
      for (const key of keys) {
        this.flaws.push({
          path: [...path, ...issue.path, key],
          message: `is not known here: ${kind.name} takes no such field`,
        });
      }
    }
    return null;
  }
}

function isDeeper(value: JsonValue, most: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return most === 0 || Object.values(value).some((item) => isDeeper(item, most - 1));
}
