import { z } from "zod";
import type { Api } from "../context.ts";
import { answers, refuses } from "../responses.ts";
import { ConditionKind, conditionKinds } from "../schemas/condition.ts";

export function conditionRoutes(api: Api): void {
  const kinds = conditionKinds();
  api.get(
    "/conditions",
    {
      config: { access: "reminders:read" },
      schema: {
        operationId: "listConditions",
        tags: ["Stop conditions"],
        summary: "List the kinds of stop conditions",
        description:
          "What a reminder can go on until. Each answers with one of three: met, not met, or unknown, when what would say so " +
          "doesn't answer.",
        response: { 200: answers(z.array(ConditionKind), "All kinds."), ...refuses() },
      },
    },
    async () => kinds,
  );
}
