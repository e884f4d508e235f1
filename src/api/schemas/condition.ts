import { z } from "zod";
import { KINDS, type Kind } from "../../conditions/registry.ts";
import { freeObject } from "./fields.ts";

const exampleKind = {
  type: "max_attempts",
  description: "Met once so many of the reminder's messages were sent.",
  value: { type: "string", pattern: "^[1-9]\\d{0,5}$" },
  settings: null,
  example: { stop_condition_type: "max_attempts", stop_condition_value: "5" },
};

export const ConditionKind = z
  .strictObject({
    type: z.string().describe("For `stop_condition_type`."),
    description: z.string().describe("What it asks, in Markdown."),
    value: freeObject.nullable().describe("JSON Schema of `stop_condition_value`; null: it takes none."),
    settings: freeObject.nullable().describe("JSON Schema of `stop_condition_settings`; null: it takes none."),
    example: freeObject.describe("Fields of a reminder that has one."),
  })
  .meta({ id: "ConditionKind", description: "A kind of stop condition.", examples: [exampleKind] });

/** All kinds, as clients and pages are told of them. */
export function conditionKinds(): z.output<typeof ConditionKind>[] {
  return KINDS.map(toConditionKindJson);
}

function toConditionKindJson({ name, description, example, value, settings }: Kind): z.output<typeof ConditionKind> {
  const { value: exampleValue, settings: exampleSettings } = example;
  return {
    type: name,
    description,
    value: value && jsonSchemaOf(value),
    settings: settings && jsonSchemaOf(settings),
    example: {
      stop_condition_type: name,
      ...(exampleValue === undefined ? {} : { stop_condition_value: exampleValue }),
      ...(exampleSettings === undefined ? {} : { stop_condition_settings: exampleSettings }),
    },
  };
}

function jsonSchemaOf(schema: z.ZodType): z.output<typeof freeObject> {
  const { $schema, ...described } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return described as z.output<typeof freeObject>;
}
