import type { PolicyInput } from "./evidence.ts";

// How reminders escalate in the run.

export const MANAGER = "boss@example.org";
export const TEAM = "ops@example.org";

/** Who a step is for, by what the API calls them. */
type To = "recipient" | "manager" | "team";
interface Step {
  /** When it begins: seconds from the first occurrence, or after so many occurrences that reached somebody. */
  after: { seconds: number } | { sends: number } | null;
  to: To[];
  /** True where it is given but once; else until the next one begins. */
  isOnce: boolean;
}

const bySeconds = (second: number, third: number): Step[] => [
  { after: null, to: ["recipient"], isOnce: true },
  { after: { seconds: second }, to: ["manager"], isOnce: true },
  { after: { seconds: third }, to: ["recipient", "team"], isOnce: true },
];

/** In a run of half a minute, the steps of `fast` all begin; those by number of sends come with what is triggered by hand. */
export const POLICIES = {
  ...{ fast: bySeconds(3, 7), close: bySeconds(1, 2), slow: bySeconds(20, 100) },
  counted: [
    { after: null, to: ["recipient"], isOnce: false },
    { after: { sends: 2 }, to: ["manager"], isOnce: false },
    { after: { sends: 3 }, to: ["recipient", "team"], isOnce: true },
  ],
  mixed: [
    { after: null, to: ["recipient"], isOnce: true },
    { after: { seconds: 2 }, to: ["manager"], isOnce: false },
    { after: { sends: 2 }, to: ["recipient", "team"], isOnce: true },
  ],
} as const satisfies Record<string, readonly Step[]>;
export type PolicyName = keyof typeof POLICIES;

/** True where a step waits for a number of sends. */
export function countsSends(name: PolicyName): boolean {
  return stepsOf(name).some(({ after }) => after !== null && "sends" in after);
}

/** As the API takes it. */
export function policyBody(name: PolicyName): object {
  const told = {
    recipient: "recipient",
    manager: "manager",
    team: { contact: { entity_type: "team", entity_id: "ops" } },
  };
  return {
    steps: stepsOf(name).map(({ after, to, isOnce }) => ({
      to: to.map((one) => told[one]),
      ...(after && { after: "seconds" in after ? { elapsed: `PT${after.seconds}S` } : { sends: after.sends } }),
      ...(isOnce ? { repeat: 1 } : {}),
    })),
  };
}

/** As the checker knows it. `own`: the address of whoever it is for. */
export function policyInput(name: PolicyName, own: string): PolicyInput {
  const addresses = { recipient: own, manager: MANAGER, team: TEAM };
  return {
    steps: stepsOf(name).map(({ after, to, isOnce }) => ({
      begins: after && "sends" in after ? after : { afterMs: (after?.seconds ?? 0) * 1_000 },
      to: to.map((one) => addresses[one]),
      isOnce,
    })),
  };
}

function stepsOf(name: PolicyName): readonly Step[] {
  return POLICIES[name];
}
