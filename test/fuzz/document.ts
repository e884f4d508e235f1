/** The service's own description of itself, as much of it as the fuzzer goes by. */
export interface Document {
  paths: Record<string, Record<string, RawOperation>>;
  components: { schemas: Record<string, Schema> };
}

interface RawOperation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema; example?: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
}

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: Json[];
  const?: Json;
  anyOf?: Schema[];
  oneOf?: Schema[];
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  examples?: Json[];
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface Operation {
  id: string;
  method: string;
  /** With its parameters in braces. */
  template: string;
  /** Names of the parameters in the path, in order: what one thing is known by. */
  names: string[];
  parameters: Parameter[];
  body: { mediaType: string; schema: Schema; example: Json | undefined } | null;
  responses: RawOperation["responses"];
}

export const JSON_TYPE = "application/json";

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, raw]) => {
      const content = Object.entries(raw.requestBody?.content ?? {});
      const [mediaType, kept] = content.find(([type]) => type === JSON_TYPE) ?? content[0] ?? [JSON_TYPE];
      return {
        id: raw.operationId,
        method: method.toUpperCase(),
        template,
        names: [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string),
        parameters: raw.parameters ?? [],
        body: kept ? { mediaType, schema: kept.schema, example: kept.example } : null,
        responses: raw.responses,
      };
    }),
  );
}

/** The schema that is meant, where it is referred to by name. */
export function resolve(document: Document, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.split("/").at(-1) ?? "";
  return resolve(document, document.components.schemas[name] ?? {});
}
