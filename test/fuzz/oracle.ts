import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Document, Operation, Schema } from "./document.ts";
import type { WireAnswer, WireRequest } from "./wire.ts";

/** Refusals that any request may meet, before it is anything to do with its operation. All others must be documented. */
const FROM_ANYWHERE = new Set([400, 401, 403, 405, 408, 413, 415, 417, 429, 431]);
const PROBLEM_TYPE = /^urn:reminder-engine:problem:[a-z0-9-]+$/;
/** As the documentation says that instants are answered. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Holds answers to what the service promises about them. */
export class Oracle {
  readonly #document: Document;
  readonly #operations: readonly Operation[];
  readonly #ajv = new Ajv2020({ strict: false, allErrors: false });
  readonly #validators = new Map<Schema, ValidateFunction>();

  constructor(document: Document, operations: readonly Operation[]) {
    this.#document = document;
    this.#operations = operations;
    this.#ajv.addFormat("date-time", INSTANT);
  }

  /** The operation that is meant by a method and a path, as routers see it: what is written out goes before parameters. */
  operationAt(method: string, target: string): Operation | undefined {
    const [path = ""] = target.split("?", 1);
    const fits = this.#operations.filter((operation) => operation.method === method && patternOf(operation).test(path));
    return fits.sort((a, b) => a.names.length - b.names.length)[0];
  }

  /** What is wrong with an answer; nothing, if all is well. */
  complaints(request: WireRequest, answer: WireAnswer): string[] {
    const { status, headers, text } = answer;
    const operation = this.operationAt(request.method, request.target);
    const documented = operation?.responses[String(status)]?.content ?? {};
    const isDocumentedJson = status === 503 && documented["application/json"] !== undefined;
    const found: string[] = [];
    if (status >= 500 && !isDocumentedJson) found.push(`the status is ${status}`);
    if (headers["x-content-type-options"] !== "nosniff") found.push("it lacks X-Content-Type-Options: nosniff");
    if (request.method === "HEAD" || status === 204 || status === 304) {
      if (text !== "") found.push(`a body comes with ${request.method === "HEAD" ? "HEAD" : status}`);
    } else if (status >= 400 && !isDocumentedJson) {
      found.push(...this.#problemComplaints(request, answer));
    }
    if (operation) found.push(...this.#documentComplaints(operation, answer));
    return found;
  }

  #problemComplaints({ headers: sent }: WireRequest, { status, headers, json }: WireAnswer): string[] {
    const [type] = (headers["content-type"] ?? "").split(";", 1);
    if (type !== "application/problem+json") return [`a refusal is of the type ${type}`];
    const schema = this.#document.components.schemas.Problem ?? {};
    const misfit = this.#misfit(schema, json);
    if (misfit) return [`a refusal is no problem as documented: ${misfit}`];
    const { type: kind, status: told, detail, errors } = json as Record<string, unknown>;
    const found: string[] = [];
    if (told !== status) found.push(`the problem's status is ${told} in an answer with ${status}`);
    if (!PROBLEM_TYPE.test(String(kind))) found.push(`the problem's type is ${kind}`);
    if (String(detail).trim() === "") found.push("the problem has no detail");
    if (status === 422 && !(Array.isArray(errors) && errors.length > 0)) found.push("a 422 names no field");
    if (status === 405 && !headers.allow) found.push("a 405 lacks Allow");
    if (status === 401 && !headers["www-authenticate"]) found.push("a 401 lacks WWW-Authenticate");
    if ((status === 429 || status === 503) && !headers["retry-after"]) found.push(`a ${status} lacks Retry-After`);
    if (status === 400 && Object.keys(sent).length === 0) found.push("a request without headers or body is malformed");
    return found;
  }

  #documentComplaints(operation: Operation, { status, headers, text, json }: WireAnswer): string[] {
    const response = operation.responses[String(status)];
    if (!response)
      return FROM_ANYWHERE.has(status) && operation.responses.default ? [] : [`${status} is not documented`];
    const content = response.content ?? {};
    const documented = Object.keys(content);
    if (documented.length === 0 || status === 204 || status === 304) return [];
    const type = (headers["content-type"] ?? "").split(";", 1)[0] ?? "";
    const media = content[type];
    if (!media) return [`${status} is of the type ${type}, and documented as ${documented.join(" or ")}`];
    // What isn't JSON is a text as far as its schema says.
    const misfit = this.#misfit(media.schema, type.endsWith("json") ? json : text);
    return misfit ? [`${status} doesn't fit its schema: ${misfit}`] : [];
  }

  #misfit(schema: Schema, value: unknown): string | null {
    let validate = this.#validators.get(schema);
    if (!validate) {
      validate = this.#ajv.compile({ ...schema, components: this.#document.components });
      this.#validators.set(schema, validate);
    }
    if (value === undefined) return "it is no JSON";
    if (validate(value)) return null;
    const [error] = validate.errors ?? [];
    return `${error?.schemaPath}: ${error?.message}`;
  }

  /** The same for what came back on a connection of its own. */
  bytesComplaints(text: string): string[] {
    if (text === "") return [];
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
    if (Number.isNaN(status)) return ["what came back is no HTTP"];
    const found: string[] = [];
    if (status >= 500) found.push(`the status is ${status}`);
    if (status >= 400 && !/^content-type: application\/problem\+json(?:; charset=utf-8)?\r$/im.test(text))
      found.push(`a raw ${status} is no problem`);
    return found;
  }
}

function patternOf({ template }: Operation): RegExp {
  const path = template
    .replace(/\/$/, "")
    .replaceAll(/[.+?^$()|[\]\\]/g, "\\$&")
    .replaceAll(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${path}/?$`);
}
