import { addAnswerHeader, type Operation } from "./openapi-operation.ts";

const KEY =
  "A name of the client's own for this request, a UUID for instance; up to 255 characters, with or without double quotes. Sent " +
  "again with the same key within 24 hours, the request isn't done again but answered as the first time. 409 with `Retry-After` " +
  "while the first is being worked on, 422 if the request is another one.";
const REPLAYED = "`true`: this was answered before, under the same `Idempotency-Key`; nothing was done now.";
const BUSY = "A request with the same `Idempotency-Key` is being worked on; try again after `Retry-After` seconds.";

/** Tells of `Idempotency-Key` at an operation that takes it, as every POST does. */
export function describeIdempotency(operation: Operation, method: string): void {
  if (method !== "post") return;
  const { responses } = operation;
  const key = { name: "Idempotency-Key", in: "header", required: false, description: KEY, schema: { type: "string" } };
  operation.parameters = [...(operation.parameters ?? []), key];
  for (const status of ["200", "201", "404", "409"])
    addAnswerHeader(operation, status, "Idempotency-Replayed", REPLAYED);
  const { content } = responses["422"] ?? {};
  const described = responses["409"]?.description;
  responses["409"] = {
    ...structuredClone({ ...(content ? { content } : {}), ...responses["409"] }),
    description: described ? `${described} Or: ${BUSY}` : BUSY,
  };
  addAnswerHeader(operation, "409", "Retry-After", "Seconds to wait before the next try.");
}
