import type { Answer } from "./outcome.ts";

/** What an answer says as JSON; null where it is none. */
export function jsonOf({ body }: Pick<Answer, "body">): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}
