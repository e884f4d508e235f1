import { beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { SCOPES } from "../../src/api/access/scope.ts";
import * as audit from "../../src/api/schemas/audit.ts";
import * as contact from "../../src/api/schemas/contact.ts";
import * as delivery from "../../src/api/schemas/delivery.ts";
import * as event from "../../src/api/schemas/event.ts";
import * as eventRule from "../../src/api/schemas/event-rule.ts";
import * as eventSource from "../../src/api/schemas/event-source.ts";
import * as explanation from "../../src/api/schemas/explanation.ts";
import * as flag from "../../src/api/schemas/flag.ts";
import * as inbound from "../../src/api/schemas/inbound.ts";
import * as preview from "../../src/api/schemas/preview.ts";
import { ProblemDetails } from "../../src/api/schemas/problem.ts";
import * as push from "../../src/api/schemas/push.ts";
import * as reminder from "../../src/api/schemas/reminder.ts";
import * as suppression from "../../src/api/schemas/suppression.ts";
import * as template from "../../src/api/schemas/template.ts";
import * as templatePreview from "../../src/api/schemas/template-preview.ts";
import * as timeline from "../../src/api/schemas/timeline.ts";
import { buildServer } from "../../src/api/server.ts";
import { channelMap } from "../../src/channels/registry.ts";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

interface Operation {
  operationId?: string;
  security?: { bearer?: string[] }[];
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: { name: string; description?: string }[];
  requestBody?: { required?: boolean; content: Record<string, { example?: unknown }> };
  responses: Record<string, { description: string; content?: Record<string, { example?: unknown }> }>;
}
interface Document {
  openapi: string;
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: object; schemas: Record<string, { examples?: unknown[] }> };
}

let routes: string[];
let document: Document;
let operations: [name: string, operation: Operation][];

/** Method and path of each, of the tree that Fastify prints. */
function routesIn(tree: string): string[] {
  const above: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent, path = "", methods = ""] = /^([│ ]*)[├└]── (\S+) \((.*)\)$/.exec(line) ?? [];
    if (indent === undefined) return [];
    const depth = indent.length / 4;
    above[depth] = `${above[depth - 1] ?? ""}${path}`;
    const whole = above[depth].replaceAll(/:([a-z_]+)/g, "{$1}");
    return methods.split(", ").flatMap((method) => (method === "HEAD" ? [] : [`${method.toLowerCase()} ${whole}`]));
  });
}

beforeAll(async () => {
  const api = await buildServer({ database: {} as never, channels: channelMap([]) });
  await api.ready();
  routes = routesIn(api.printRoutes({ commonPrefix: false }));
  const { body } = await api.inject("/openapi.json");
  document = JSON.parse(body) as Document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
});

test("nothing is served besides what is described, but pages for people, presses in Slack and the documentation", () => {
  // Slashes at the end make no difference.
  const described = new Set(operations.map(([name]) => name.replace(/\/$/, "")));
  expect(routes.filter((route) => !described.has(route)).sort()).toEqual([
    "get /",
    "get /a/{token}",
    "get /docs",
    "get /docs*",
    "get /docs/json",
    "get /docs/static/index.html",
    "get /docs/static/swagger-initializer.js",
    "get /docs/yaml",
    "get /openapi.json",
    "get /p/{token}",
    "get /push/app.webmanifest",
    "get /push/subscribe.js",
    "get /push/worker.js",
    "get /redoc",
    "get /redoc/redoc.js",
    "post /a/{token}",
    "post /inbound/slack",
    "post /inbound/{tenant}/slack",
    "post /p/{token}",
    "post /push/{tenant}/renew",
  ]);
  expect([...described].filter((name) => !routes.includes(name))).toEqual([]);
});

test("every operation of the service is described, each under an id of its own", () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(operations.map(([, { operationId }]) => operationId).sort()).toEqual([
    "acknowledgeReminder",
    "activateTemplateVersion",
    "completeReminder",
    "createCalendar",
    "createPolicy",
    "createReminder",
    "createReminders",
    "createSuppression",
    "deleteCalendar",
    "deleteContact",
    "deleteEventRule",
    "deleteEventSource",
    "deleteFlag",
    "deleteInboundSource",
    "deleteOptOut",
    "deletePolicy",
    "deleteReminder",
    "deleteSuppression",
    "deleteTemplate",
    "endPushLinks",
    "explainReminder",
    "getCalendar",
    "getContact",
    "getEventRule",
    "getEventSource",
    "getFlag",
    "getPolicy",
    "getPushKey",
    "getReminder",
    "getTemplate",
    "getTemplateTest",
    "getTemplateVersion",
    "importContacts",
    "isAlive",
    "isReady",
    "listCalendars",
    "listConditions",
    "listContacts",
    "listDeliveries",
    "listDone",
    "listEventRules",
    "listEventSources",
    "listFlags",
    "listInboundSources",
    "listOptOuts",
    "listPolicies",
    "listPushSubscriptions",
    "listReminders",
    "listSuppressions",
    "listTemplateVersions",
    "listTemplates",
    "makePushLink",
    "pauseReminder",
    "previewNewReminder",
    "previewNewReminderAsCalendar",
    "previewReminder",
    "previewReminderAsCalendar",
    "previewTemplate",
    "putCalendar",
    "putContact",
    "putEventRule",
    "putEventSource",
    "putInboundSource",
    "putPolicy",
    "putTemplate",
    "readAudit",
    "readTimeline",
    "receiveEvent",
    "receiveFeedback",
    "receiveMail",
    "recordDone",
    "restoreReminder",
    "resumeReminder",
    "sendEvent",
    "sendTemplateTest",
    "setFlag",
    "snoozeReminder",
    "subscribeDevice",
    "triggerReminder",
    "unsubscribeDevice",
    "updateReminder",
  ]);
});

test("every operation has words for people: summary, description, a known tag, its parameters and its answers", () => {
  const tags = document.tags.map(({ name }) => name);
  for (const [name, operation] of operations) {
    expect(operation.summary, name).toBeTruthy();
    expect(operation.description, name).toBeTruthy();
    expect(tags, name).toContain(operation.tags?.[0]);
    for (const parameter of operation.parameters ?? [])
      expect(parameter.description, `${name} ${parameter.name}`).toBeTruthy();
    for (const [status, { description }] of Object.entries(operation.responses)) {
      expect(description, `${name} ${status}`).not.toMatch(/^(Default Response)?$/);
    }
  }
});

test("every operation that isn't open to all names the one scope that it takes", () => {
  expect(document.components.securitySchemes).toMatchObject({ bearer: { type: "http", scheme: "bearer" } });
  for (const [name, { security, operationId }] of operations) {
    if (["isAlive", "isReady"].includes(operationId ?? "")) {
      expect(security, name).toBeUndefined();
      continue;
    }
    if (operationId === "receiveEvent") {
      expect(security, name).toEqual([{ signature: [] }]);
      continue;
    }
    if (operationId === "receiveFeedback") {
      expect(security, name).toEqual([{ provider: [] }]);
      continue;
    }
    const scope = security?.[0]?.bearer?.[0] ?? "";
    expect(SCOPES, name).toContain(scope);
    expect(scope.endsWith(":read"), name).toBe(name.startsWith("get "));
  }
});

test("every body, asked for or answered, has an example", () => {
  for (const [name, { requestBody, responses }] of operations) {
    for (const { content = {} } of [requestBody ?? {}, ...Object.values(responses)]) {
      for (const media of Object.values(content)) expect(media.example, name).toBeDefined();
    }
  }
});

test("everything that is referred to is there, and everything that is there is referred to", () => {
  const text = JSON.stringify(document);
  const referred = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name));
  expect(referred).toEqual(new Set(Object.keys(document.components.schemas)));
  expect([...referred].filter((name) => name?.endsWith("Input"))).toEqual([]);
});

describe("the examples are true", () => {
  const schemas: Record<string, z.ZodType> = {
    CreateReminder: reminder.CreateReminder,
    UpdateReminder: reminder.UpdateReminder,
    Reminder: reminder.Reminder,
    Delivery: delivery.Delivery,
    TimelineLine: timeline.TimelineLine,
    Preview: preview.Preview,
    Explanation: explanation.Explanation,
    SetFlag: flag.SetFlag,
    Flag: flag.Flag,
    PutContact: contact.PutContact,
    Contact: contact.Contact,
    Event: event.Event,
    SignedEvent: event.SignedEvent,
    EventOutcome: event.EventOutcome,
    PutEventRule: eventRule.PutEventRule,
    EventRule: eventRule.EventRule,
    PutEventSource: eventSource.PutEventSource,
    EventSource: eventSource.EventSource,
    PushSubscription: push.PushSubscription,
    PushDevice: push.PushDevice,
    MakePushLink: push.MakePushLink,
    PushLink: push.PushLink,
    PushKey: push.PushKey,
    PutSuppression: suppression.PutSuppression,
    Suppression: suppression.Suppression,
    PutInboundSource: inbound.PutInboundSource,
    InboundSource: inbound.InboundSource,
    InboundBody: inbound.InboundBody,
    InboundOutcome: inbound.InboundOutcome,
    AuditEntry: audit.AuditEntry,
    PreviewTemplate: templatePreview.PreviewTemplate,
    SendTemplateTest: templatePreview.SendTemplateTest,
    TemplatePreview: templatePreview.TemplatePreview,
    TemplateTest: templatePreview.TemplateTest,
    PutTemplate: template.PutTemplate,
    Template: template.Template,
    TemplateSummary: template.TemplateSummary,
    TemplateVersion: template.TemplateVersion,
    TemplateVersionSummary: template.TemplateVersionSummary,
    Problem: ProblemDetails,
  };
  test.each(Object.entries(schemas))("%s", (name, schema) => {
    const [example] = document.components.schemas[name]?.examples ?? [];
    expect(schema.safeParse(example)).toMatchObject({ success: true });
  });

  test("and the service grants those of its requests", async () => {
    const pushed = { publicUrl: "https://reminders.example.com", pushKey: "BCVx" };
    const api = await startApi(await freshDatabase(), pushed);
    const paths = {
      id: "1",
      key: "feedback_submitted",
      entity_type: "interviewer",
      entity_id: "INT_100",
      rule: "invoice-paid",
      source: "billing",
      provider: "ses",
      event_type: "payment",
      channel: "email",
      locale: "de",
    };
    for (const [name, { requestBody, security }] of operations) {
      const example = requestBody?.content["application/json"]?.example;
      // A signature is no part of an example: it is good for five minutes.
      if (example === undefined || security?.[0]?.bearer === undefined) continue;
      const [method = "", address = ""] = name.split(" ");
      const path = address.replaceAll(/\{(\w+)\}/g, (_, parameter: keyof typeof paths) => paths[parameter]);
      expect((await api.call(method.toUpperCase(), path, example)).status, name).toBeLessThan(300);
    }
  });
});

test("a body of which nothing has to be said isn't required", async () => {
  const free = operations.filter(([, { requestBody }]) => requestBody?.required === false);
  expect(free.map(([, { operationId }]) => operationId)).toEqual(["recordDone"]);
});
