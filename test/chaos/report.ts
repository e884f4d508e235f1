import type { Verdict } from "./checker.ts";
import { groupBy } from "./checks/case.ts";
import { isAtMostOnce } from "./checks/deliveries.ts";
import { type DeliveryName, type Evidence, type Fault, heldBy, type Violation } from "./evidence.ts";

export interface Outcome {
  seed: number;
  seconds: number;
  workers: number;
  evidence: Evidence;
  verdict: Verdict;
  /** From the end of the last fault until all that was due by then was dealt with, in milliseconds. */
  recoveredMs: number;
  /** Faults that could not be made here, and why. */
  skipped: string[];
  /** Reminders that the API created once more, because the answer to their first creation was lost. */
  repeated: number;
  /** How often the engine's connections met what the faults were to lead to, by the server's log. */
  traces: [name: string, count: number][];
}

const SHOWN = 5;

/** The run as Markdown. */
export function report({ evidence, verdict, ...run }: Outcome): string {
  const { faults, arrivals } = evidence;
  const texts = evidence.tables.deliveries.filter((delivery) => isAtMostOnce(delivery) && delivery.finishedAt !== null);
  const unknown = texts.filter(({ status }) => status === "unknown");
  const nameOf = (named: DeliveryName) => `${named.reminderId}-${named.occurrenceAt}-${named.recipientNo}`;
  const arrived = new Set(arrivals.flatMap(heldBy).map(nameOf));
  const byKind = [...groupBy(faults, (fault) => fault.kind)].toSorted(([a], [b]) => a.localeCompare(b));
  const lines = [
    `Seed ${run.seed}, ${run.seconds} s under fire, ${run.workers} workers: **${verdict.violations.length} violations**.`,
    "",
    ...table(
      ["what", "count"],
      [
        ["faults", faults.length],
        ["reminders", verdict.reminders],
        ["of these with a lost answer in their story, held to less", verdict.loose],
        ["flags set", evidence.inputs.flags.length],
        ["occurrences recorded, each held against the inputs", verdict.recorded],
        ["due instants worked out from the inputs, each dealt with", verdict.due],
        ["messages that reached the receiver", verdict.messages],
        ["of these with several reminders in them", verdict.digests],
        ["of these refused", arrivals.filter(({ answer }) => answer.startsWith("refused")).length],
        ["came again with the same Message-ID, in flight when a fault hit", verdict.duplicates.afterFaults],
        ["came again with the same Message-ID, because the receiver had denied it", verdict.duplicates.afterLies],
        ["SMS: how many ended", texts.length],
        ["of these nobody knows whether they arrived, and none came again", unknown.length],
        ["of these had not arrived", unknown.filter((text) => !arrived.has(nameOf(text))).length],
        ["went over another channel", verdict.wentOver],
        ["reminders created again after a lost answer", run.repeated],
      ],
    ),
    "",
    `All that was due by the end of the last fault was dealt with within ${(run.recoveredMs / 1000).toFixed(1)} s of it.`,
    "",
    ...table(
      ["fault", "times", "of these cut short by another", "until the next message arrived: median", "longest"],
      [
        ...byKind.map(([kind, all]) => {
          const waits = all.map((fault) => waitAfter(fault, evidence)).toSorted((a, b) => a - b);
          const cutShort = all.filter(({ isCutShort }) => isCutShort).length;
          return [kind, all.length, cutShort, seconds(waits[Math.floor(waits.length / 2)]), seconds(waits.at(-1))];
        }),
        ...run.skipped.map((what) => [what, "skipped", "", "", ""]),
      ],
    ),
    "",
    ...table(["what the engine met, by the server's log", "times"], run.traces),
  ];
  if (verdict.violations.length === 0) return lines.join("\n");
  const first = verdict.violations.slice(0, SHOWN).map((violation) => tell(violation, evidence));
  const kinds = groupBy(verdict.violations, ({ rule, what }) => `${rule}: ${what.replaceAll(/\d+/g, "…")}`);
  lines.push("", ...[...kinds].map(([kind, all]) => `- ${all.length} times ${kind}`));
  return [...lines, "", `The first of ${verdict.violations.length} violations (seed ${run.seed}):`, ...first].join(
    "\n",
  );
}

/** A Markdown table, as the formatter of the docs has it: all but the first column are numbers. */
function table(names: string[], rows: (string | number)[][]): string[] {
  const cells = [names, ...rows].map((row) => row.map(String));
  const widths = names.map((_, n) => Math.max(4, ...cells.map((row) => row[n]?.length ?? 0)));
  const [head, ...body] = cells.map(
    (row) =>
      `| ${row.map((text, n) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0))).join(" | ")} |`,
  );
  const rule = widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [head ?? "", `| ${rule.join(" | ")} |`, ...body];
}

/** From a fault's end until a message was accepted by the receiver. */
function waitAfter(fault: Fault, { arrivals }: Evidence): number {
  const next = arrivals.filter(({ wholeAt, answer }) => answer === "accepted" && wholeAt > fault.until);
  return Math.min(...next.map(({ wholeAt }) => wholeAt)) - fault.until;
}

function seconds(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? "" : `${(ms / 1000).toFixed(2)} s`;
}

/** Everything that is known of a violation. */
export function tell({ rule, what, reminderId }: Violation, { inputs, faults, arrivals, tables }: Evidence): string {
  const own = <T extends { reminderId: number }>(rows: T[]) => rows.filter((row) => row.reminderId === reminderId);
  const input = inputs.reminders.find(({ id }) => id === reminderId);
  const messages = arrivals.filter((arrival) => heldBy(arrival).some((held) => held.reminderId === reminderId));
  const instants = [
    ...messages.map(({ leftAt }) => leftAt),
    ...own(tables.deliveries).map(({ createdAt }) => createdAt),
  ];
  const [from, until] = [Math.min(...instants) - 25_000, Math.max(...instants) + 25_000];
  const known = {
    input,
    flag: inputs.flags.find(({ key }) => key === input?.flag),
    row: tables.reminders.find(({ id }) => id === reminderId),
    deliveries: own(tables.deliveries),
    events: own(tables.events),
    messages,
    faults: reminderId === null ? [] : faults.filter((fault) => fault.until >= from && fault.from <= until),
  };
  const lines = Object.entries(known).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `      ${name}: ${JSON.stringify(one)}`),
  );
  return [`- ${rule}: reminder ${reminderId}: ${what}`, ...lines].join("\n");
}
