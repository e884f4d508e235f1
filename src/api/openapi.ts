import { createRequire } from "node:module";
import swagger from "@fastify/swagger";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import { PROVIDER_SCHEME, SECURITY_SCHEME, SIGNATURE_SCHEME } from "./access/scopes.ts";
import type { Api } from "./context.ts";
import { describeConditions } from "./etag-docs.ts";
import { describeIdempotency } from "./idempotency-docs.ts";
import { addAnswerHeader, type Described, type Operation, type Schema } from "./openapi-operation.ts";
import { PROBLEM_MEDIA_TYPE } from "./problem.ts";
import { exampleProblem } from "./responses.ts";

/** As much of an OpenAPI document as is touched here. */
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Schemas };
}
type Schemas = Record<string, Schema>;

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

const DESCRIPTION = `Keeps reminding until the thing is done.

You say *about what* (entity), *what for* (event), *how* (channel), *when* (schedule) and *until* (stop condition). When a
reminder is due, its stop condition is asked first; then the message is sent, and the reminder is due again or completed.

Names are snake_case, instants are ISO 8601 in UTC. Errors are problem details (RFC 9457) whose \`errors\` name each wrong
field and say what would be right. Unknown fields are refused. Lists are arrays; the \`Link\` header leads to the next page.`;

/** Describes what is added after it as OpenAPI 3.1, from the routes' own schemas. */
export async function describeApi(api: Api): Promise<void> {
  const complete = createJsonSchemaTransformObject({});
  await api.register(swagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Reminder Engine",
        version,
        description: DESCRIPTION,
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/" }],
      components: {
        securitySchemes: {
          [SECURITY_SCHEME]: {
            type: "http",
            scheme: "bearer",
            description:
              "A key (`rmd_...`) or, where the installation takes them, a token (JWT) of its identity provider. Each " +
              "operation names the scope that it takes. As long as nobody has a key, none is needed on the machine itself.",
          },
          [SIGNATURE_SCHEME]: {
            type: "apiKey",
            in: "header",
            name: "webhook-signature",
            description:
              "`v1,` and the base64 of an HMAC-SHA256 over `webhook-id`, `webhook-timestamp` (within 5 minutes) and the body, as " +
              "Standard Webhooks has it, with a secret of the source that the path names.",
          },
          [PROVIDER_SCHEME]: {
            type: "http",
            scheme: "basic",
            description:
              "What each provider proves itself with: Postmark by a user name and a password like this, Mailgun by a signature in the " +
              "body, SendGrid by one in headers, SES by one of Amazon SNS.",
          },
        },
      },
      tags: [
        { name: "Reminders", description: "What to remind of." },
        { name: "Reminder lifecycle", description: "Pause, resume, complete, fire now, delete, restore." },
        { name: "Reminder previews", description: "What is to come, and why." },
        { name: "Reminder history", description: "What was sent, and what happened when and why." },
        { name: "Stop conditions", description: "Until when a reminder goes on." },
        { name: "Flags", description: "What the outside world says is done." },
        { name: "Contacts", description: "Where entities are reached." },
        { name: "Suppressions", description: "Addresses that nothing is sent to." },
        { name: "Calendars", description: "When is working time." },
        { name: "Templates", description: "What messages say." },
        { name: "Policies", description: "Whom else it goes to, the longer nothing happens." },
        { name: "Events", description: "What happens in the outside world, what it means, and who may sign it." },
        { name: "Audit", description: "Who changed what." },
        { name: "Health", description: "For whoever runs the service." },
      ],
    },
    transform: createJsonSchemaTransform({}),
    transformObject: (document) => finish(complete(document) as unknown as Document) as object,
  });
}

function finish(document: Document): Document {
  const named = withPlainNames(document);
  const { schemas } = named.components;
  simplify(named);
  for (const [method, operation] of Object.values(named.paths).flatMap((path) => Object.entries(path))) {
    addHeaders(operation);
    if (operation.requestBody && BODY_MAY_BE_LEFT_OUT.has(operation.operationId))
      operation.requestBody.required = false;
    describeConditions(operation, method);
    describeIdempotency(operation, method);
    describeOthers(operation, named);
    addExamples(operation, schemas);
  }
  return named;
}

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

/**
 * Every schema is generated twice, as `X` for answers and as `XInput` for requests. Those that nothing refers to go, and
 * where only the second is left, it gets the plain name.
 */
function withPlainNames(document: Document): Document {
  const { schemas } = document.components;
  const used = new Set<string>();
  const follow = (part: unknown): void => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(REFERENCE)) {
      if (used.has(name)) continue;
      used.add(name);
      follow(schemas[name]);
    }
  };
  follow(document.paths);

  const plain = (name: string): string => {
    const base = name.replace(/Input$/, "");
    return used.has(base) ? name : base;
  };
  const kept = Object.entries(schemas).filter(([name]) => used.has(name));
  const renamed = Object.fromEntries(kept.map(([name, schema]) => [plain(name), schema]));
  const text = JSON.stringify({ ...document, components: { ...document.components, schemas: renamed } });
  return JSON.parse(text.replace(REFERENCE, (_, name: string) => `"#/components/schemas/${plain(name)}"`)) as Document;
}

/** Of these, nothing has to be said: the generator takes every body for required. */
const BODY_MAY_BE_LEFT_OUT: ReadonlySet<string> = new Set(["recordDone"]);

const LINK = 'Leads to the next page: `<…>; rel="next"`. Missing on the last one.';

function addHeaders(operation: Operation): void {
  const { operationId, responses } = operation;
  const credentials = "Which kind of credentials it takes, and what is wrong with those sent (RFC 6750).";
  addAnswerHeader(operation, "401", "WWW-Authenticate", credentials);
  addAnswerHeader(operation, "403", "WWW-Authenticate", "Which scope it takes (RFC 6750).");
  addAnswerHeader(operation, "429", "Retry-After", "Seconds to wait before the next try.");
  addAnswerHeader(operation, "503", "Retry-After", "Seconds to wait before the next try.");
  if (operationId === "createReminder") addAnswerHeader(operation, "201", "Location", "The reminder's address.");
  const { schema } = responses["200"]?.content?.["application/json"] ?? {};
  if (schema?.type === "array") addAnswerHeader(operation, "200", "Link", LINK);
}

const ANY_REFUSAL =
  "Any other refusal, before it has to do with what was asked: the request can't be read (400), its body is too large (413), a web " +
  "page of another site sent it (403), ...";

/** What any request may meet is told once, and not by every route. */
function describeOthers({ responses }: Operation, { components }: Document): void {
  if (!components.schemas.Problem) return;
  const schema = { $ref: "#/components/schemas/Problem" };
  responses.default = { description: ANY_REFUSAL, content: { [PROBLEM_MEDIA_TYPE]: { schema } } };
}

/** Readers of the document look for examples beside a body, while the schemas have them inside. */
function addExamples({ requestBody, parameters, responses }: Operation, schemas: Schemas): void {
  for (const parameter of parameters ?? []) addExample(parameter, schemas);
  for (const media of Object.values(requestBody?.content ?? {})) addExample(media, schemas);
  for (const [status, { content = {} }] of Object.entries(responses)) {
    for (const [mediaType, media] of Object.entries(content)) {
      if (mediaType === PROBLEM_MEDIA_TYPE) media.example = exampleProblem(status === "default" ? 400 : Number(status));
      else addExample(media, schemas);
    }
  }
}

function addExample(described: Described, schemas: Schemas): void {
  const example = exampleOf(described.schema, schemas);
  if (example !== undefined) described.example = example;
}

function exampleOf({ $ref, type, items, examples }: Schema, schemas: Schemas): unknown {
  if ($ref !== undefined) return exampleOf(schemas[$ref.split("/").at(-1) ?? ""] ?? {}, schemas);
  if (type !== "array" || items === undefined) return examples?.[0];
  const item = exampleOf(items, schemas);
  return item === undefined ? undefined : [item];
}

/**
 * Writes "or null" as a list of types instead of as alternatives, and an `example` as JSON Schema has it. (Zod drops the
 * `examples` of a schema that transforms what it reads, so those schemas say `example`.)
 */
function simplify(part: unknown): void {
  if (typeof part !== "object" || part === null) return;
  const schema = part as Schema;
  const [value, none, ...others] = schema.anyOf ?? [];
  if (value?.type !== undefined && none?.type === "null" && others.length === 0) {
    delete schema.anyOf;
    Object.assign(schema, { ...value, ...schema, type: [value.type, "null"] });
    if (value.enum) schema.enum = [...value.enum, null];
  }
  if (schema.type !== undefined && "example" in schema) {
    schema.examples = [schema.example];
    delete schema.example;
  }
  for (const [name, inner] of Object.entries(part)) {
    // Fields may be named like words of JSON Schema, and so may those of examples.
    if (name === "properties") for (const property of Object.values(inner as object)) simplify(property);
    else if (name !== "examples") simplify(inner);
  }
}
