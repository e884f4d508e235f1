import type { FastifyRequest, FastifySchemaCompiler } from "fastify";
import { z } from "zod";
import { type FieldError, fieldError, invalid, type Problem } from "./problem.ts";

/** Sentences for fields that a schema doesn't take though a user might well try them, by name. */
export const refusals = z.registry<Record<string, string>>();

const PARTS: Record<string, FieldError["in"]> = { body: "body", querystring: "query", params: "path" };

/** Fastify's validation by Zod. What doesn't fit becomes a 422 that names each field and says what would be right. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const part = PARTS[httpPart ?? "body"] ?? "body";
  return (input) => {
    const result = schema.safeParse(input, { error: sentence });
    return result.success ? { value: result.data } : { error: refusal(result.error, part, schema, input) };
  };
};

/** What the schema makes of a part of a request. Throws a 422 like the above. */
export function validate<S extends z.ZodType>(schema: S, input: unknown, part: FieldError["in"]): z.output<S> {
  const result = schema.safeParse(input, { error: sentence });
  if (result.success) return result.data;
  throw refusal(result.error, part, schema, input);
}

const NOTHING = z.strictObject({});

/** A hook for routes that take no body: an empty one, or an empty object, does no harm, but anything else is a mistake. */
export async function refuseBody({ body }: FastifyRequest): Promise<void> {
  if (body !== undefined) validate(NOTHING, body, "body");
}

/** A hook for routes of whose body nothing has to be said: none at all is an empty one. */
export async function takeNoneAsEmpty(request: FastifyRequest): Promise<void> {
  if (request.body === undefined) request.body = {};
}

function refusal(error: z.ZodError, part: FieldError["in"], schema: z.ZodType, input: unknown): Problem {
  return invalid(error.issues.flatMap((issue) => explain(issue, part, schema, input)));
}

function explain(issue: z.core.$ZodIssue, part: FieldError["in"], schema: z.ZodType, input: unknown): FieldError[] {
  if (part === "query" && isRepeated(issue, input)) {
    return [fieldError(part, issue.path, "is there more than once: give it once")];
  }
  if (issue.code !== "unrecognized_keys") return [fieldError(part, issue.path, issue.message)];
  const holder = schemaAt(schema, issue.path);
  const known = holder instanceof z.ZodObject ? Object.keys(holder.shape).join(", ") : "";
  const refused = refusals.get(schema);
  return issue.keys.map((key) => {
    const reason = refused && Object.hasOwn(refused, key) ? refused[key] : undefined;
    return fieldError(part, [...issue.path, key], reason ?? `is not known here; known are: ${known || "none"}`);
  });
}

/** The schema of what stands at a path; undefined where that can't be said. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = schema;
  for (const key of [...path, null]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodDefault) at = at.unwrap();
    if (key === null) return at;
    if (at instanceof z.ZodObject) at = (at.shape as Record<PropertyKey, z.core.$ZodType>)[key];
    else at = at instanceof z.ZodArray ? at.element : undefined;
  }
  return at;
}

/** `?a=1&a=2` is read as a list of both. */
function isRepeated({ path: [name] }: z.core.$ZodIssue, input: unknown): boolean {
  return name !== undefined && Array.isArray((input as Record<PropertyKey, unknown>)[name]);
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
export const sentence: z.core.$ZodErrorMap = (issue) => {
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
      return issue.origin === "array"
        ? `must have at least ${counted(issue.minimum)}`
        : `must be at least ${issue.minimum}`;
    case "too_big":
      return issue.origin === "array"
        ? `must have at most ${counted(issue.maximum)}`
        : `must be at most ${issue.maximum}`;
    case "invalid_key":
      return "must have a name of 1 to 100 characters";
    default:
      return undefined;
  }
};

function counted(count: number | bigint): string {
  return `${count} ${Number(count) === 1 ? "item" : "items"}`;
}
