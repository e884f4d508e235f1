import type { Found, Tally } from "./campaign.ts";

export interface ReportOptions {
  seed: number;
  /** What plays the same again. */
  command?: string;
  /** Resident memory of the service in MB, from time to time; empty where it can't be known. */
  memoryMb: readonly number[];
  /** Lines of the service's log that say that something is wrong with it. */
  faults: readonly string[];
}

/** What a campaign met, for people. */
export function report(
  tally: Tally,
  { seed, command = `npm run fuzz -- --seed ${seed}`, memoryMb, faults }: ReportOptions,
): string {
  const { requests, sequences, seconds, found, slowestMs } = tally;
  const lines = [
    "# Fuzzing the API",
    "",
    `${requests} requests in ${sequences} sequences from seed ${seed}, in ${Math.round(seconds)} s ` +
      `(${Math.round(requests / seconds)} a second; the slowest took ${Math.round(slowestMs)} ms).`,
    "",
    `- Found: ${found.length === 0 ? "nothing" : `${found.length} kinds of fault`}`,
    `- The service's log: ${faults.length === 0 ? "clean" : `${faults.length} faults`}`,
    `- Its memory: ${memoryMb.length === 0 ? "unknown" : `${memoryMb.join(", ")} MB`}`,
    `- Again: \`${command}\``,
    "",
    "## How the requests were meant",
    "",
    ...table(
      ["meant", "requests"],
      [...tally.intents].sort().map(([intent, count]) => [intent, String(count)]),
    ),
    "",
    "## How they were answered",
    "",
    ...statusTable(tally),
  ];
  if (found.length > 0) lines.push("", "## What was found", "", ...found.flatMap((one) => explain(one, command)));
  if (faults.length > 0) lines.push("", "## What the log says", "", "```", ...faults.slice(0, 50), "```");
  return `${lines.join("\n")}\n`;
}

function statusTable({ statuses }: Tally): string[] {
  const columns = [...new Set([...statuses.values()].flatMap((counts) => [...counts.keys()]))].sort((a, b) => a - b);
  const rows = [...statuses].sort(([a], [b]) => (a < b ? -1 : 1));
  return table(
    ["operation", ...columns.map((status) => (status === 0 ? "-" : String(status)))],
    rows.map(([operation, counts]) => [operation, ...columns.map((status) => String(counts.get(status) ?? ""))]),
  );
}

function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function explain({ complaint, count, sequence, request, answer, shortest }: Found, command: string): string[] {
  return [
    `### ${complaint} (${count} times)`,
    "",
    `First in sequence ${sequence}: \`${command} --only ${sequence}\``,
    "",
    "```",
    request,
    `→ ${answer}`,
    "```",
    "",
    ...(shortest
      ? ["The shortest sequence:", "", "```json", ...shortest.map((step) => JSON.stringify(step)), "```", ""]
      : []),
  ];
}
