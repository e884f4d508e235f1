import { z } from "zod";
import { EVENT_ACTIONS, type EventRule as Rule, templateFlaw } from "../../core/inbound-event.ts";
import { toIso } from "../../core/instant.ts";
import type { EventRuleRow } from "../../store/event-rules.ts";
import { sourceName } from "./event-source.ts";
import { isoInstant, line } from "./fields.ts";

const MAX_TEMPLATE_LENGTH = 500;

export const ruleName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_.-]{0,99}$/,
    "must be 1 to 100 small letters, digits, dots, hyphens and underscores, and begin with a letter or a digit",
  );

export const ruleParams = z.strictObject({
  rule: ruleName.meta({ description: "The rule's name.", example: "invoice-paid" }),
});

const template = line(MAX_TEMPLATE_LENGTH).check((ctx) => {
  const why = templateFlaw(ctx.value);
  if (why) ctx.issues.push({ code: "custom", message: why, input: ctx.value });
});

const eventPattern = line(200).refine((pattern) => !pattern.slice(0, -1).includes("*"), {
  error: "must be a type, like invoice.paid, or its beginning with a * at the end, like invoice.*",
});

const OF_REMINDERS = ["entity_type", "entity_id", "event_type"] as const;
const OF_FLAGS = ["flag_key", "flag_value"] as const;

export const PutEventRule = z
  .strictObject({
    event: eventPattern.describe("The type of the events that it is about, exactly, or its beginning and a `*`."),
    source: sourceName.nullish().describe("Only events that this source has signed. Left out: all."),
    action: z
      .enum(EVENT_ACTIONS)
      .describe(
        "`complete`, `pause`, `trigger`: does that to reminders (PAUSED ones are completed too). `set_flag`: sets a flag.",
      ),
    entity_type: template
      .nullish()
      .describe("Which reminders. Placeholders lead into the event, like `{data.kind}`. Left out: `{entity_type}`."),
    entity_id: template.nullish().describe("The same. Left out: `{entity_id}`."),
    event_type: template.nullish().describe("The same. Left out: all reminders of the entity."),
    flag_key: template.nullish().describe("For `set_flag`: which flag, like `paid:{data.invoice.id}`."),
    flag_value: z.boolean().nullish().describe("For `set_flag`: what it is set to; true if you don't say."),
    enabled: z.boolean().optional().describe("False: it does nothing for now."),
  })
  .check((ctx) => {
    const { value } = ctx;
    const others = value.action === "set_flag" ? OF_REMINDERS : OF_FLAGS;
    for (const name of others) {
      if (value[name] === undefined || value[name] === null) continue;
      ctx.issues.push({
        code: "custom",
        path: [name],
        message: `says nothing for ${value.action}: leave it out`,
        input: value,
      });
    }
    if (value.action === "set_flag" && !value.flag_key) {
      ctx.issues.push({
        code: "custom",
        path: ["flag_key"],
        message: "is required for set_flag: a string",
        input: value,
      });
    }
  })
  .meta({ id: "PutEventRule", example: { event: "invoice.paid", action: "complete", event_type: "payment" } });

export const EventRule = z
  .strictObject({
    rule: z.string(),
    event: z.string(),
    source: z.string().nullable(),
    action: z.enum(EVENT_ACTIONS),
    entity_type: z.string().nullable(),
    entity_id: z.string().nullable(),
    event_type: z.string().nullable(),
    flag_key: z.string().nullable(),
    flag_value: z.boolean().nullable(),
    enabled: z.boolean(),
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "EventRule",
    description: "What events of the outside world mean.",
    examples: [
      {
        rule: "invoice-paid",
        event: "invoice.paid",
        source: null,
        action: "complete",
        entity_type: "{entity_type}",
        entity_id: "{entity_id}",
        event_type: "payment",
        flag_key: null,
        flag_value: null,
        enabled: true,
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

export function toRule(name: string, wish: z.output<typeof PutEventRule>): Rule {
  const { event, action } = wish;
  return {
    name,
    event,
    source: wish.source ?? null,
    isEnabled: wish.enabled ?? true,
    effect:
      action === "set_flag"
        ? { action, flagKey: wish.flag_key ?? "", flagValue: wish.flag_value ?? true }
        : {
            action,
            entityType: wish.entity_type ?? "{entity_type}",
            entityId: wish.entity_id ?? "{entity_id}",
            eventType: wish.event_type ?? null,
          },
  };
}

export function toEventRuleJson(row: EventRuleRow): z.output<typeof EventRule> {
  return { ...toJson(row), created_at: toIso(row.createdAt), updated_at: toIso(row.updatedAt) };
}

/** What people may say of a rule, and nothing else. */
export function toJson({ name, event, source, isEnabled, effect }: Rule) {
  const reminders = effect.action === "set_flag" ? null : effect;
  const flag = effect.action === "set_flag" ? effect : null;
  return {
    rule: name,
    event,
    source,
    action: effect.action,
    entity_type: reminders?.entityType ?? null,
    entity_id: reminders?.entityId ?? null,
    event_type: reminders?.eventType ?? null,
    flag_key: flag?.flagKey ?? null,
    flag_value: flag?.flagValue ?? null,
    enabled: isEnabled,
  };
}
