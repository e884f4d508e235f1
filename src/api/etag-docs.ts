import { addAnswerHeader, type Operation } from "./openapi-operation.ts";

const IF_MATCH =
  "Entity tags, or `*` for whatever is there: 412 unless it is as one of them says. Firing in between is no change. A request " +
  "whose effect is there already is granted.";
const IF_NONE_MATCH_READ = "Entity tags: 304 and no body if it is still as one of them says.";
const IF_NONE_MATCH_PUT = "`*`: 412 if there is something already. Or entity tags: 412 if it is as one of them says.";
const ETAG = "Names the state that it is in; for `If-Match` and `If-None-Match`.";

/** Tells of the conditional headers at those operations that may be answered with 304 or 412, and of the tags they need. */
export function describeConditions(operation: Operation, method: string): void {
  const { operationId, responses } = operation;
  const parameters: [name: string, description: string][] = [];
  if (responses["304"]) parameters.push(["If-None-Match", IF_NONE_MATCH_READ]);
  if (responses["412"]) parameters.push(["If-Match", IF_MATCH]);
  if (responses["412"] && method === "put") parameters.push(["If-None-Match", IF_NONE_MATCH_PUT]);
  for (const [name, description] of parameters) {
    const parameter = { name, in: "header", required: false, description, schema: { type: "string" } };
    operation.parameters = [...(operation.parameters ?? []), parameter];
  }
  if (parameters.length === 0 && operationId !== "createReminder") return;
  for (const status of ["200", "201", "304"]) addAnswerHeader(operation, status, "ETag", ETAG);
}
