/** One thing that is wrong with a request. */
export interface FieldError {
  in: "body" | "query" | "path" | "header";
  /** The field, its parents joined by dots; empty for the whole. */
  field: string;
  /** The same as a JSON Pointer (RFC 6901). */
  pointer: string;
  /** What would be right. */
  message: string;
}

/** The kinds of problem, by status. Both words are stable: programs may rely on `type`, people read `title`. */
const KINDS: Record<number, [type: string, title: string]> = {
  400: ["malformed-request", "The request can't be read"],
  401: ["unauthenticated", "Nobody knows who asks"],
  403: ["forbidden", "That is not allowed"],
  404: ["not-found", "There is no such thing"],
  405: ["method-not-allowed", "That can't be done here"],
  408: ["request-timeout", "The request took too long to arrive"],
  409: ["conflict", "The present state doesn't allow that"],
  412: ["precondition-failed", "It is not in the state that the request demands"],
  413: ["too-large", "The request is too large"],
  415: ["unsupported-media-type", "The body is in a format that isn't read here"],
  417: ["expectation-failed", "What the request expects can't be met"],
  422: ["invalid-request", "Something in the request isn't right"],
  429: ["too-many-requests", "That was asked too often"],
  431: ["headers-too-large", "The request's address or headers are too long"],
  500: ["internal-error", "Something went wrong on our side"],
  503: ["unavailable", "The service is not available at the moment"],
};

/** An answer that is not what was asked for, as RFC 9457 has it. Throw it in a route. */
export class Problem extends Error {
  override name = "Problem";
  readonly status: number;
  readonly errors: FieldError[];
  readonly headers: Record<string, string>;

  /** `detail` says in a sentence what is the matter and, where possible, what to do. */
  constructor(
    status: number,
    detail: string,
    { errors = [], headers = {} }: { errors?: FieldError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }

  /** The body of the answer. */
  toJSON(): Record<string, unknown> {
    const [type, title] = KINDS[this.status] ?? [`http-${this.status}`, "The request was refused"];
    return {
      type: `urn:reminder-engine:problem:${type}`,
      title,
      status: this.status,
      detail: this.message,
      ...(this.errors.length > 0 ? { errors: this.errors } : {}),
    };
  }
}

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

export function notFound(detail: string): Problem {
  return new Problem(404, detail);
}

export function conflict(detail: string): Problem {
  return new Problem(409, detail);
}

/** 403: there are as many as there may be. Not 429: it isn't a matter of time, and clients would just try again. */
export function overQuota(because: string): Problem {
  return new Problem(403, `${because}: complete, pause or delete some, or ask whoever runs this for more`);
}

/** More errors than this help nobody. */
const MOST_ERRORS = 20;
const LONGEST_FIELD = 200;

/** 422, naming each field and what would be right. */
export function invalid(errors: readonly FieldError[]): Problem {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const detail = first ? `${first.field || `the ${first.in}`} ${first.message}${more}` : "the request is not valid";
  return new Problem(422, detail, { errors: errors.slice(0, MOST_ERRORS) });
}

/** One wrong field, by the path that leads to it. */
export function fieldError(where: FieldError["in"], path: readonly PropertyKey[], message: string): FieldError {
  const steps = path.map(String);
  const pointer = steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return {
    in: where,
    field: steps.join(".").slice(0, LONGEST_FIELD),
    pointer: pointer.slice(0, LONGEST_FIELD),
    message,
  };
}

/** The same errors, of something that is itself part of a whole. */
export function under(path: readonly PropertyKey[], errors: readonly FieldError[]): FieldError[] {
  return errors.map(({ in: where, field, pointer, message }) => {
    const parent = fieldError(where, path, message);
    return {
      ...parent,
      field: [parent.field, field].filter(Boolean).join(".").slice(0, LONGEST_FIELD),
      pointer: (parent.pointer + pointer).slice(0, LONGEST_FIELD),
    };
  });
}

/** 422 for one field of the body. */
export function invalidField(field: string, message: string, where: FieldError["in"] = "body"): Problem {
  return invalid([fieldError(where, [field], message)]);
}
