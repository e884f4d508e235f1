import type { ASTNode } from "@marcbachmann/cel-js";

export const ITERATING = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** True for what goes through a list. */
export function isIterating(node: ASTNode): node is Extract<ASTNode, { op: "rcall" }> {
  return node.op === "rcall" && ITERATING.has(node.args[0]);
}

/** The expressions that an expression is made of. */
export function partsOf(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return [...node.args];
  }
}
