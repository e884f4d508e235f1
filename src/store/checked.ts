import { toIso } from "../core/instant.ts";
import type { JsonObject } from "../core/json.ts";
import type { Checked, StopState } from "../core/stop.ts";

/** As it is kept with an attempt, and shown. */
export function checkedJson({ type, state, because, at }: Checked): JsonObject {
  return { type, state, because, at: toIso(at) };
}

/** The same backwards. */
export function toChecked(json: JsonObject | null | undefined): Checked | null {
  if (!json) return null;
  const { type, state, because, at } = json as { type: string; state: StopState; because: string; at: string };
  return { type, state, because, at: Date.parse(at) };
}
