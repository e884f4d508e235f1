import type { z } from "zod";
import type { Channels } from "../channels/registry.ts";
import { needsOf, PREFERRED, policyFlaws, type StepText } from "../core/policy.ts";
import type { Lacking, PolicyWish } from "../store/policies.ts";
import { conflict, fieldError, invalid, type Problem } from "./problem.ts";
import { BadRota, readRotaFile } from "./rota-file.ts";
import type { PutPolicy } from "./schemas/policy.ts";

type Said = Omit<z.output<typeof PutPolicy>, "force">;

/** The policy that a request asks for. Throws a 422 that names the step and the field. */
export function toNewPolicy(
  name: string,
  said: Said,
  { channels, minIntervalSeconds }: { channels: Channels; minIntervalSeconds: number },
): PolicyWish {
  const rotas = Object.fromEntries(
    Object.entries(said.rotas ?? {}).map(([rota, { ics }]) => {
      try {
        return [rota, readRotaFile(ics)];
      } catch (error) {
        if (error instanceof BadRota) throw invalid([fieldError("body", ["rotas", rota, "ics"], error.message)]);
        throw error;
      }
    }),
  );
  const steps = said.steps.map(withoutEmpty);
  const flaws = policyFlaws({ name, steps, rotas }).map(({ step, field, message }) => atStep(step, field, message));
  if (flaws.length > 0) throw invalid(flaws);
  for (const [place, { channel, interval_minutes: minutes, cadence }] of steps.entries()) {
    if (channel && channel !== PREFERRED && !channels.has(channel)) {
      const names = [...channels.keys(), PREFERRED].join(", ");
      throw invalid([atStep(place + 1, "channel", `must be one of the channels of this installation: ${names}`)]);
    }
    const shortest = minutes ?? cadence?.shortest_minutes;
    if (shortest != null && shortest * 60 < minIntervalSeconds) {
      const field = minutes == null ? "cadence.shortest_minutes" : "interval_minutes";
      throw invalid([atStep(place + 1, field, `must not be shorter than ${minIntervalSeconds} seconds here`)]);
    }
  }
  return { name, steps, rotas, tellWhenDone: said.tell_when_done ?? false };
}

function atStep(step: number, field: string, message: string) {
  return fieldError("body", ["steps", step - 1, ...field.split(".")], message);
}

function withoutEmpty(step: Said["steps"][number]): StepText {
  return Object.fromEntries(Object.entries(step).filter(([, value]) => value != null)) as unknown as StepText;
}

/** Why reminders that go by a policy can't go by this instead; null: they can. */
export function whyNotInstead(wish: PolicyWish, lacking: Lacking, force: boolean): Problem | null {
  const needs = needsOf(wish);
  const many = (count: number): string => (count === 1 ? "1 reminder goes" : `${count} reminders go`);
  if (needs.deadline && lacking.deadline > 0)
    return conflict(`${many(lacking.deadline)} by this policy without a deadline_at, which it would need`);
  if (needs.calendar && lacking.calendar > 0)
    return conflict(`${many(lacking.calendar)} by this policy without a calendar, which it would need`);
  if (!needs.isEndless || lacking.end === 0 || force) return null;
  return conflict(
    `${many(lacking.end)} by this policy and would never end: they have no max_occurrences, no end_at and no stop condition. Let the ` +
      "last step be repeated a number of times, or say force",
  );
}
