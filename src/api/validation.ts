import type { FastifySchemaCompiler } from "fastify";
import { z } from "zod";
import { type FieldError, fieldError, invalid } from "./problem.ts";

/** Sentences for fields that a schema doesn't take though a user might well try them, by name. */
export const refusals = z.registry<Record<string, string>>();

const PARTS: Record<string, FieldError["in"]> = { body: "body", querystring: "query", params: "path" };

/** Fastify's validation by Zod. What doesn't fit becomes a 422 that names each field and says what would be right. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const part = PARTS[httpPart ?? "body"] ?? "body";
  return (input) => {
    const result = schema.safeParse(input, { error: sentence });
    if (result.success) return { value: result.data };
    return { error: invalid(result.error.issues.flatMap((issue) => explain(issue, part, schema))) };
  };
};

function explain(issue: z.core.$ZodIssue, part: FieldError["in"], schema: z.ZodType): FieldError[] {
  if (issue.code !== "unrecognized_keys") return [fieldError(part, issue.path, issue.message)];
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape).join(", ") : "";
  const refused = refusals.get(schema);
  return issue.keys.map((key) => {
    const reason = refused && Object.hasOwn(refused, key) ? refused[key] : undefined;
    return fieldError(part, [...issue.path, key], reason ?? `is not known here; known are: ${known || "none"}`);
  });
}

const EXPECTED: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a JSON object",
  array: "a list",
};

/** What would be right, for what Zod finds by itself. The schemas' own messages come before this. */
const sentence: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type": {
      const expected = EXPECTED[issue.expected] ?? issue.expected;
      return issue.input === undefined ? `is required: ${expected}` : `must be ${expected}`;
    }
    case "invalid_value": {
      const choice = issue.values.map((value) => JSON.stringify(value)).join(", ");
      return `${issue.input === undefined ? "is required: " : "must be "}${issue.values.length > 1 ? "one of " : ""}${choice}`;
    }
    case "too_small":
      return `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return undefined;
  }
};
