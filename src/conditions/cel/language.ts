import { Environment, EvaluationError, ParseError, TypeError as WrongType } from "@marcbachmann/cel-js";
import { isRealDay } from "./dates.ts";
import { ExpressionFlaw, placeOf } from "./flaw.ts";
import { type Structure, structureOf } from "./structure.ts";

export const MAX_EXPRESSION_LENGTH = 2_000;
/** The most recently compiled ones are kept. */
const MOST_KEPT = 1_000;

/** By what names an expression knows what it is asked about. */
export interface Variables {
  reminder: Record<string, unknown>;
  contact: Record<string, unknown>;
  counts: { occurrences: bigint; sent: bigint };
  data: unknown;
  flags: ReadonlyMap<string, boolean>;
  now: Date;
}

/** An expression that can be evaluated. */
export interface Expression extends Structure {
  /** Whatever it comes to. Throws an `Error` whose message says why it comes to nothing. */
  evaluate(variables: Variables): unknown;
}

const TIMESTAMP = "google.protobuf.Timestamp";
const language = new Environment({
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 300, maxDepth: 30, maxListElements: 100, maxMapEntries: 50, maxCallArguments: 5 },
})
  .registerVariable({
    name: "reminder",
    schema: {
      id: "int",
      entity_type: "string",
      entity_id: "string",
      event_type: "string",
      channel: "string",
      recipient: "dyn",
      subject: "dyn",
      message: "dyn",
      time_zone: "dyn",
      next_run_at: "dyn",
      created_at: TIMESTAMP,
    },
  })
  .registerVariable({ name: "contact", schema: { name: "dyn", email: "dyn", time_zone: "dyn", locale: "dyn" } })
  .registerVariable({ name: "counts", schema: { occurrences: "int", sent: "int" } })
  .registerVariable("data", "map")
  .registerVariable("flags", "map<string, bool>")
  .registerVariable("now", TIMESTAMP)
  .registerFunction(`instant(string): ${TIMESTAMP}`, toInstant);

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d))?$/;

/** A date is its beginning in UTC. A time without an offset is none: it would be another one wherever a worker runs. */
function toInstant(text: string): Date {
  const instant = ISO.test(text) && isRealDay(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instant)) throw new Error("instant() takes an ISO 8601 date, or a time with Z or an offset");
  return new Date(instant);
}

const kept = new Map<string, Expression>();

/** What a text means. Throws an `ExpressionFlaw` that names the place and says what is wrong there. */
export function compile(text: string): Expression {
  const known = kept.get(text);
  if (known) return known;
  const expression = compileAnew(text);
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(text, expression);
  return expression;
}

function compileAnew(text: string): Expression {
  try {
    const run = language.parse(text);
    // Before types are worked out: that rewrites loops.
    const structure = structureOf(run.ast);
    const { valid, type = "", error } = run.check();
    if (!valid) throw error;
    if (type !== "bool" && type !== "dyn") {
      throw new ExpressionFlaw(text, undefined, `comes to ${type}, and must come to true or false`);
    }
    return { ...structure, evaluate: (variables) => withoutTraces(() => told(text, () => run(variables))) };
  } catch (error) {
    throw isOfLanguage(error) ? new ExpressionFlaw(text, error.range?.start, sentenceOf(error)) : error;
  }
}

/** What happens most, in our words: people read it in timelines. */
const SAID_BY_US: readonly (readonly [RegExp, string])[] = [
  [/^No such key: (.+)$/s, "there is no $1"],
  [/^Unexpected token: EOF$/i, "it ends where something must follow"],
  [/^Exceeded maxDepth \((\d+)\)$/, "it is nested more than $1 deep"],
  [/^Exceeded maxAstNodes \((\d+)\)$/, "it has more than $1 parts"],
];

function sentenceOf({ summary }: { summary: string }): string {
  for (const [theirs, ours] of SAID_BY_US) if (theirs.test(summary)) return summary.replace(theirs, ours);
  return summary.charAt(0).toLowerCase() + summary.slice(1);
}

/** Errors say what is wrong in a line; how they print the expression is for terminals. */
function told(text: string, work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (!isOfLanguage(error)) throw error;
    const place = error.range ? ` (${placeOf(text, error.range.start)})` : "";
    throw new Error(`${sentenceOf(error)}${place}`);
  }
}

/** An expression may make thousands of errors that nobody sees, and each would be ten times as expensive with its trace. */
function withoutTraces<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function isOfLanguage(error: unknown): error is ParseError | WrongType | EvaluationError {
  return error instanceof ParseError || error instanceof WrongType || error instanceof EvaluationError;
}
