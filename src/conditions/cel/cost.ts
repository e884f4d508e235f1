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
      values: values * growth,
      longest: Math.max(longest, ast.input.length) * growth,
      largest: Math.max(largest, longestList) * growth,
    });
}

function of(node: ASTNode): Cost {
  const parts = partsOf(node).map(of);
  const own = ownCost(node);
  if (isIterating(node)) {
    const [list, ...body] = parts as [Cost, ...Cost[]];
    return (sizes) => STEP + list(sizes) + sizes.largest * (STEP + sum(body, sizes));
  }
  return (sizes) => own(sizes) + sum(parts, sizes);
}

function ownCost(node: ASTNode): Cost {
  switch (node.op) {
    case "value":
    case "id":
      return () => LOOK_UP;
    case "==":
    case "!=":
      return node.args.some(({ op }) => op === "value") ? () => STEP : compared;
    case "+":
      return compared;
    case "in":
      return (sizes) => compared(sizes) + lookedFor(sizes.longest, sizes);
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
const compared: Cost = (sizes) => read(sizes) + sizes.values / VALUES_PER_MICROSECOND;
const lookedFor = (length: number, { longest }: Sizes): number => (length * longest) / PAIRS_PER_MICROSECOND;

function sum(costs: readonly Cost[], sizes: Sizes): number {
  return costs.reduce((total, cost) => total + cost(sizes), 0);
}

function count(node: ASTNode, isOne: (node: ASTNode) => boolean): number {
  return partsOf(node).reduce((total, part) => total + count(part, isOne), isOne(node) ? 1 : 0);
}
