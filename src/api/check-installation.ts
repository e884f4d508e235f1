import { objectionsTo } from "../conditions/check.ts";
import type { Installation } from "../conditions/condition.ts";
import type { StopCondition } from "../core/reminder.ts";
import type { Tenant } from "../core/tenant.ts";
import { fieldError, invalid } from "./problem.ts";
import { byField } from "./schemas/stop-condition.ts";

/** Throws a 422 where a stop condition names what this installation will never ask: a URL of the inside, a query that isn't there. */
export function checkInstallation(
  stopCondition: StopCondition | null,
  installation: Installation | undefined,
  tenant: Tenant,
): void {
  if (stopCondition === null || installation === undefined) return;
  const flaws = objectionsTo(stopCondition, installation, tenant).map(byField);
  if (flaws.length > 0) throw invalid(flaws.map(({ path, message }) => fieldError("body", path, message)));
}
