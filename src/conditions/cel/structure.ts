import type { ASTNode } from "@marcbachmann/cel-js";
import { strayPlaceholder } from "../../core/flag-key.ts";
import { type Cost, costOf } from "./cost.ts";
import { isRealDay } from "./dates.ts";
import { ExpressionFlaw } from "./flaw.ts";
import { ITERATING, isIterating, partsOf } from "./parts.ts";

/** What an expression turns out to be before anything is evaluated. */
export interface Structure {
  /** The keys of the flags that it names, as they are written: with their placeholders. */
  flags: readonly string[];
  cost: Cost;
}

const MOST_FLAGS = 20;
const FUNCTIONS = new Set([
  "has",
  "size",
  "int",
  "double",
  "string",
  "bool",
  "dyn",
  "timestamp",
  "duration",
  "instant",
]);
const METHODS = new Set([
  ...ITERATING,
  ...["size", "contains", "startsWith", "endsWith", "lowerAscii", "upperAscii", "trim"],
  ...["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek"],
  ...["getHours", "getMinutes", "getSeconds", "getMilliseconds"],
]);

const INSTEAD: Record<string, string> = {
  matches: "patterns may take for ever; use startsWith, endsWith or contains",
  bind: "write it out",
  split: "use contains, startsWith or endsWith",
};

/** Without an offset, what a text means would depend on where the worker runs. */
const WITH_OFFSET = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^[+-]?(\d{1,6}(\.\d{1,9})?h|\d{1,9}(\.\d{1,9})?(m|s|ms)){1,4}$/;

/**
 * Looks at an expression as a whole: what it may call, how deep its loops are, which flags it names. All that the language
 * offers but whose time can't be told from the expression and the size of what it is about is refused. Throws `ExpressionFlaw`.
 */
export function structureOf(ast: ASTNode): Structure {
  const flags = new Set<string>();
  look(ast, flags, false);
  if (flags.size > MOST_FLAGS) throw new ExpressionFlaw(ast.input, undefined, `names more than ${MOST_FLAGS} flags`);
  return { flags: [...flags], cost: costOf(ast) };
}

function look(node: ASTNode, flags: Set<string>, isInLoop: boolean): void {
  const refuse = (what: string): never => {
    throw new ExpressionFlaw(node.input, node.range.start, what);
  };
  const flag = flagOf(node);
  if (flag !== null) {
    const stray = strayPlaceholder(flag);
    if (stray !== null) refuse(`${stray} isn't filled in: {entity_type}, {entity_id} and {event_type} are`);
    flags.add(flag);
    return;
  }
  if (node.op === "id" && node.args === "flags") {
    refuse('a flag is named in quotes, as in flags["paid:{entity_id}"]');
  }
  if (node.op === "call" || node.op === "rcall") lookAtCall(node, refuse);
  const isLoop = isIterating(node);
  if (isLoop && isInLoop)
    refuse("a loop in a loop takes too long: all, exists, map and filter can't hold or follow one another");
  // What a loop goes through counts as in it: each in a row of them could double what the one before made.
  for (const part of partsOf(node)) look(part, flags, isInLoop || isLoop);
}

function lookAtCall(node: Extract<ASTNode, { op: "call" | "rcall" }>, refuse: (what: string) => never): void {
  const [name] = node.args;
  const known = node.op === "call" ? FUNCTIONS : METHODS;
  if (!known.has(name)) refuse(`${name}() can't be called here${INSTEAD[name] ? `: ${INSTEAD[name]}` : ""}`);
  if (node.op === "rcall" && name.startsWith("get") && node.args[2].length > 0) {
    refuse(`${name}() takes no time zone here: it goes by UTC`);
  }
  const [argument] = node.op === "call" ? node.args[1] : [];
  if (name === "timestamp" && !(isText(argument) && WITH_OFFSET.test(argument.args) && isRealDay(argument.args))) {
    refuse('timestamp() takes a text such as "2026-01-31T09:00:00Z"; for a value, use instant()');
  }
  if (name === "duration" && !(isText(argument) && DURATION.test(argument.args))) {
    refuse('duration() takes a text such as "36h" or "1h30m"');
  }
}

/** The key that is named by `flags["key"]` or `flags.key`; null for anything else. */
function flagOf(node: ASTNode): string | null {
  if (node.op !== "." && node.op !== "[]") return null;
  const [of, key] = node.args;
  if (of.op !== "id" || of.args !== "flags") return null;
  if (typeof key === "string") return key;
  return isText(key) ? key.args : null;
}

function isText(node: ASTNode | undefined): node is ASTNode & { args: string } {
  return node?.op === "value" && typeof node.args === "string";
}
