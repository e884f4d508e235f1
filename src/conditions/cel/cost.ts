import type { ASTNode } from "@marcbachmann/cel-js";
import { isIterating, partsOf } from "./parts.ts";

/** How large what an expression is about can be. */
export interface Sizes {
  /** Values in all, and a part of one for each character. */
  values: number;
  /** The longest text, in characters. */
  longest: number;
  /** Of the largest list or object. */
  largest: number;
}

/** The microseconds that an evaluation may take, by the size of what it is about: an upper bound, measured on hostile ones. */
export type Cost = (sizes: Sizes) => number;

/** What is refused takes longer, at its worst: well below the 50 ms for which no rule may hold the process. */
export const MOST_MICROSECONDS = 20_000;

const LOOK_UP = 0.5;
/** Where it fails, which costs the most: an error is made, and thrown away by whatever goes on without it. */
const STEP = 5;
const CHARACTERS_PER_MICROSECOND = 100;
const VALUES_PER_MICROSECOND = 5;
/** For a text that is looked for in another, the worst that there is for V8. */
const PAIRS_PER_MICROSECOND = 5_000;

export function costOf(ast: ASTNode): Cost {
  const growth = 1 + count(ast, (node) => node.op === "+");
  const longestList = count(ast, () => true);
  const cost = of(ast);
  return ({ values, longest, largest }) =>
    cost({
      values,
      longest: Math.max(longest, ast.input.length) * growth,
      largest: Math.max(largest, longestList) * growth,
    });
}

/** How large what a loop goes through is, by the name that it has there; loops neither hold nor follow one another. */
type Named = ReadonlyMap<string, Cost>;
const NOTHING_NAMED: Named = new Map();

function of(node: ASTNode, named: Named = NOTHING_NAMED): Cost {
  const inside = isIterating(node) ? namedIn(node, named) : named;
  const parts = partsOf(node).map((part) => of(part, inside));
  const own = ownCost(node, named);
  if (isIterating(node)) {
    const [list, ...body] = parts as [Cost, ...Cost[]];
    return (sizes) => STEP + list(sizes) + sizes.largest * (STEP + sum(body, sizes));
  }
  return (sizes) => own(sizes) + sum(parts, sizes);
}

function namedIn(node: Extract<ASTNode, { op: "rcall" }>, named: Named): Named {
  const [, list, [variable]] = node.args;
  return variable?.op === "id" ? new Map(named).set(variable.args, walkOf(list, named)) : named;
}

function ownCost(node: ASTNode, named: Named): Cost {
  switch (node.op) {
    case "value":
    case "id":
      return () => LOOK_UP;
    case "==":
    case "!=":
      return node.args.some(({ op }) => op === "value") ? () => STEP : comparing(node.args, named);
    case "+":
      return comparing(node.args, named);
    case "in":
      return (sizes) => comparing(node.args, named)(sizes) + lookedFor(sizes.longest, sizes);
    case "call":
    case "rcall": {
      if (node.args[0] !== "contains") return read;
      const needle = node.op === "rcall" ? node.args[2][0] : undefined;
      const length = needle?.op === "value" && typeof needle.args === "string" ? needle.args.length : null;
      return (sizes) => read(sizes) + lookedFor(length ?? sizes.longest, sizes);
    }
    default:
      return read;
  }
}

const read: Cost = ({ longest }) => STEP + longest / CHARACTERS_PER_MICROSECOND;
/** Whatever is walked through, all of both sides. */
function comparing(sides: readonly ASTNode[], named: Named): Cost {
  const walks = sides.map((side) => walkOf(side, named));
  return (sizes) => read(sizes) + sum(walks, sizes) / VALUES_PER_MICROSECOND;
}

/** How many values an expression comes to at most, those within it included: what is named twice is walked through twice. */
function walkOf(node: ASTNode, named: Named): Cost {
  switch (node.op) {
    case "value":
      return ({ longest }) => longest / CHARACTERS_PER_MICROSECOND;
    case "id":
      return named.get(node.args) ?? (({ values }) => values);
    case "==":
    case "!=":
    case "in":
    case "&&":
    case "||":
    case "!_":
      return () => 1;
  }
  const inside = isIterating(node) ? namedIn(node, named) : named;
  const walks = partsOf(node).map((part) => walkOf(part, inside));
  if (!isIterating(node)) return (sizes) => 1 + sum(walks, sizes);
  const [list, ...body] = walks as [Cost, ...Cost[]];
  return (sizes) => 1 + list(sizes) + sizes.largest * (1 + sum(body, sizes));
}

const lookedFor = (length: number, { longest }: Sizes): number => (length * longest) / PAIRS_PER_MICROSECOND;

function sum(costs: readonly Cost[], sizes: Sizes): number {
  return costs.reduce((total, cost) => total + cost(sizes), 0);
}

function count(node: ASTNode, isOne: (node: ASTNode) => boolean): number {
  return partsOf(node).reduce((total, part) => total + count(part, isOne), isOne(node) ? 1 : 0);
}
