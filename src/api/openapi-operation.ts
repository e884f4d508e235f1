/** As much of an OpenAPI document's operation as is touched here. */
export interface Operation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Content };
  responses: Record<string, { description?: string; content?: Content; headers?: Record<string, unknown> }>;
}

export type Content = Record<string, Described>;

export interface Parameter extends Described {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
}

export interface Described {
  schema: Schema;
  example?: unknown;
}

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  example?: unknown;
  examples?: unknown[];
}

/** Tells of a header of the answer with this status, where there is such an answer. */
export function addAnswerHeader({ responses }: Operation, status: string, name: string, description: string): void {
  const response = responses[status];
  if (response) response.headers = { ...response.headers, [name]: { description, schema: { type: "string" } } };
}
