import { z } from "zod";

/** What a service's documentation says of one request, and how the service answers it. */
export interface ServicePeer {
  /** The way in, as its users have it; `URL` stands for where the peer is. */
  secret: string | null;
  /** False where the secret is the URL. */
  hasApiUrl: boolean;
  recipients: readonly (string | null)[];
  /** What no recipient of it looks like. */
  wrong: readonly string[];
  method: "POST" | "PUT";
  path: (recipient: string | null) => string | RegExp;
  headers: Record<string, string>;
  /** By its documentation; of forms, the fields. */
  body: z.ZodType;
  /** What it says when it has taken the message, and the id that is kept of it. */
  yes: { status: number; body: string; id: string | null };
  /** What it says when it doesn't, and what that means. */
  no: readonly {
    status: number;
    headers?: Record<string, string>;
    body: string;
    means: "Permanent" | "BadAddress" | "Retryable" | "NotYet";
    says: RegExp | number;
  }[];
}

const json = JSON.stringify;
const shown = z.string().min(1);
const TOKENS = { telegram: "123456:AAbbCCddEEffGGhhIIjjKKll", webex: "Wbx".repeat(20), matrix: "syt_bot_secret-token" };
const KEY30 = "abcdefghijklmnopqrstuvwxyz1234";
const USER30 = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG";

export const PEERS: Readonly<Record<string, ServicePeer>> = {
  teams: {
    secret: "URL/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig=secret-signature",
    ...{ hasApiUrl: false, recipients: [null], wrong: ["General"], method: "POST", headers: {} },
    path: () => "/workflows/abc/triggers/manual/paths/invoke?api-version=1&sig=secret-signature",
    body: z.strictObject({
      type: z.literal("message"),
      attachments: z.tuple([
        z.strictObject({
          contentType: z.literal("application/vnd.microsoft.card.adaptive"),
          content: z.strictObject({
            $schema: z.literal("http://adaptivecards.io/schemas/adaptive-card.json"),
            type: z.literal("AdaptiveCard"),
            version: z.literal("1.4"),
            body: z
              .array(z.looseObject({ type: z.literal("TextBlock"), text: shown, wrap: z.literal(true) }))
              .length(2),
            actions: z
              .array(z.strictObject({ type: z.literal("Action.OpenUrl"), title: shown, url: z.url() }))
              .optional(),
          }),
        }),
      ]),
    }),
    yes: { status: 202, body: "", id: null },
    no: [
      { status: 404, body: "{}", means: "Permanent", says: /workflow is gone/ },
      { status: 401, body: "{}", means: "Permanent", says: /check the URL of a Teams workflow/ },
      { status: 413, body: "", means: "Permanent", says: /too large/ },
    ],
  },
  discord: {
    secret: "URL/api/webhooks/1234567890/secret-token_of-it",
    ...{ hasApiUrl: false, recipients: [null], wrong: ["#general"], method: "POST", headers: {} },
    path: () => "/api/webhooks/1234567890/secret-token_of-it?wait=true",
    body: z.strictObject({
      content: shown.max(2_000),
      allowed_mentions: z.strictObject({ parse: z.tuple([]) }),
      flags: z.literal(4),
    }),
    yes: { status: 200, body: json({ id: "1100000000000000001", channel_id: "7" }), id: "1100000000000000001" },
    no: [
      { status: 404, body: json({ message: "Unknown Webhook", code: 10015 }), means: "Permanent", says: /is gone/ },
      { status: 401, body: json({ message: "Invalid Webhook Token", code: 50027 }), means: "Permanent", says: /token/ },
      { status: 400, body: json({ message: "Invalid Form Body", code: 50035 }), means: "Permanent", says: /shorten/ },
      { status: 429, body: json({ message: "limited", retry_after: 1.25 }), means: "NotYet", says: 1_250 },
    ],
  },
  google_chat: {
    secret: "URL/v1/spaces/AAAA/messages?key=secret-key&token=secret-token-of-the-space",
    ...{ hasApiUrl: false, recipients: [null], wrong: ["spaces/AAAA"], method: "POST", headers: {} },
    path: () =>
      "/v1/spaces/AAAA/messages?key=secret-key&token=secret-token-of-the-space&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
    body: z.strictObject({
      text: shown.max(4_096),
      thread: z.strictObject({ threadKey: z.literal("reminder-default-1") }),
    }),
    yes: { status: 200, body: json({ name: "spaces/AAAA/messages/x.y" }), id: "spaces/AAAA/messages/x.y" },
    no: [
      { status: 404, body: json({ error: { code: 404, status: "NOT_FOUND" } }), means: "Permanent", says: /is gone/ },
      { status: 400, body: json({ error: { status: "INVALID_ARGUMENT" } }), means: "Permanent", says: /shorten/ },
      { status: 429, body: json({ error: { status: "RESOURCE_EXHAUSTED" } }), means: "NotYet", says: 30_000 },
    ],
  },
  mattermost: {
    secret: "URL/hooks/secrethook0123456789ab",
    ...{
      hasApiUrl: false,
      recipients: [null, "town-square", "@ann"],
      wrong: ["#x", "A B"],
      method: "POST",
      headers: {},
    },
    path: () => "/hooks/secrethook0123456789ab",
    body: z.strictObject({ text: shown.max(16_383), channel: z.string().optional() }),
    yes: { status: 200, body: "ok", id: null },
    no: [
      {
        ...{ status: 404, body: json({ id: "web.incoming_webhook.channel.app_error", message: "Couldn't find it." }) },
        ...{ means: "Permanent", says: /no such channel/ },
      },
      {
        status: 400,
        body: json({ id: "web.incoming_webhook.invalid.app_error" }),
        means: "Permanent",
        says: /is gone/,
      },
      {
        status: 501,
        body: json({ id: "web.incoming_webhook.disabled.app_error" }),
        means: "Permanent",
        says: /switched off/,
      },
    ],
  },
  rocketchat: {
    secret: "URL/hooks/64f1c2/secretOfTheIntegration",
    ...{ hasApiUrl: false, recipients: [null, "#general", "@ann"], wrong: ["general"], method: "POST", headers: {} },
    path: () => "/hooks/64f1c2/secretOfTheIntegration",
    body: z.strictObject({ text: shown.max(5_000), channel: z.string().optional() }),
    yes: { status: 200, body: json({ success: true }), id: null },
    no: [
      {
        status: 400,
        body: json({ success: false, error: "invalid-channel" }),
        means: "Permanent",
        says: /no such channel/,
      },
      {
        status: 400,
        body: json({ success: false, error: "Invalid integration id or token provided." }),
        means: "Permanent",
        says: /gone/,
      },
    ],
  },
  zulip: {
    secret: "bot@zulip.example.com:SecretKey0123456789SecretKey0123",
    ...{
      hasApiUrl: true,
      recipients: ["ann@example.com", "#invoices & more"],
      wrong: ["invoices", 'a"@b.c'],
      method: "POST",
    },
    headers: { authorization: `Basic ${btoa("bot@zulip.example.com:SecretKey0123456789SecretKey0123")}` },
    path: () => "/api/v1/messages",
    body: z.discriminatedUnion("type", [
      z.strictObject({ type: z.literal("direct"), to: z.literal('["ann@example.com"]'), content: shown.max(10_000) }),
      z.strictObject({
        type: z.literal("stream"),
        to: z.literal("invoices & more"),
        topic: shown.max(60),
        content: shown.max(10_000),
      }),
    ]),
    yes: { status: 200, body: json({ id: 42, msg: "", result: "success" }), id: "42" },
    no: [
      {
        status: 400,
        body: json({ code: "STREAM_DOES_NOT_EXIST", result: "error" }),
        means: "Permanent",
        says: /no such channel/,
      },
      {
        status: 401,
        body: json({ code: "UNAUTHORIZED", result: "error" }),
        means: "Permanent",
        says: /address or key/,
      },
      { status: 429, body: json({ code: "RATE_LIMIT_HIT", "retry-after": 28.7 }), means: "NotYet", says: 28_700 },
    ],
  },
  webex: {
    secret: TOKENS.webex,
    ...{
      hasApiUrl: true,
      recipients: ["ann@example.com", "Y2lzY29zcGFyazovL3VzL1JPT00vYmJj"],
      wrong: ["room"],
      method: "POST",
    },
    headers: { authorization: `Bearer ${TOKENS.webex}` },
    path: () => "/v1/messages",
    body: z
      .strictObject({ markdown: shown.max(7_439), toPersonEmail: z.email().optional(), roomId: z.string().optional() })
      .refine(({ toPersonEmail, roomId }) => (toPersonEmail === undefined) !== (roomId === undefined)),
    yes: { status: 200, body: json({ id: "Y2lzY29zcGFyazovL21lc3NhZ2U" }), id: "Y2lzY29zcGFyazovL21lc3NhZ2U" },
    no: [
      {
        status: 401,
        body: json({ message: "The request requires a valid access token." }),
        means: "Permanent",
        says: /access token/,
      },
      { status: 404, body: json({ message: "Could not find it" }), means: "Permanent", says: /no such person/ },
      { status: 423, body: json({ message: "Locked" }), means: "Retryable", says: /try it again/ },
    ],
  },
  telegram: {
    secret: TOKENS.telegram,
    ...{
      hasApiUrl: true,
      recipients: ["12345678", "-1001234567890", "@news_of_us"],
      wrong: ["ann", "@a b"],
      method: "POST",
      headers: {},
    },
    path: () => `/bot${TOKENS.telegram}/sendMessage`,
    body: z.strictObject({
      chat_id: shown,
      text: shown.max(4_096),
      link_preview_options: z.strictObject({ is_disabled: z.literal(true) }),
      reply_markup: z
        .strictObject({
          inline_keyboard: z.array(z.tuple([z.strictObject({ text: shown.max(64), url: z.url() })])).min(1),
        })
        .optional(),
    }),
    yes: { status: 200, body: json({ ok: true, result: { message_id: 77 } }), id: "77" },
    no: [
      {
        status: 400,
        body: json({ ok: false, description: "Bad Request: chat not found" }),
        means: "Permanent",
        says: /no such chat/,
      },
      {
        status: 403,
        body: json({ ok: false, description: "Forbidden: bot was blocked by the user" }),
        means: "Permanent",
        says: /blocked/,
      },
      {
        status: 403,
        body: json({ ok: false, description: "Forbidden: user is deactivated" }),
        means: "BadAddress",
        says: /account is closed/,
      },
      {
        status: 403,
        body: json({ ok: false, description: "Forbidden: the group chat was deleted" }),
        means: "BadAddress",
        says: /group was deleted/,
      },
      {
        status: 400,
        body: json({ ok: false, description: "Bad Request: not enough rights to send text messages to the chat" }),
        means: "Permanent",
        says: /may not write there/,
      },
      {
        status: 400,
        body: json({ ok: false, description: "Bad Request: have no rights to send a message" }),
        means: "Permanent",
        says: /may not write there/,
      },
      {
        status: 400,
        body: json({ ok: false, description: "Bad Request: need administrator rights in the channel chat" }),
        means: "Permanent",
        says: /administrator of that channel/,
      },
      {
        status: 400,
        body: json({ ok: false, description: "Bad Request: BUTTON_URL_INVALID" }),
        means: "Permanent",
        says: /set PUBLIC_URL/,
      },
      {
        ...{ status: 400, means: "Permanent", says: /set PUBLIC_URL/ },
        body: json({
          ok: false,
          description: "Bad Request: inline keyboard button URL 'x' is invalid: Wrong HTTP URL",
        }),
      },
      { status: 401, body: json({ ok: false, description: "Unauthorized" }), means: "Permanent", says: /bot's token/ },
      { status: 429, body: json({ ok: false, parameters: { retry_after: 35 } }), means: "NotYet", says: 35_000 },
    ],
  },
  matrix: {
    secret: TOKENS.matrix,
    ...{
      hasApiUrl: true,
      recipients: ["!abc:example.org"],
      wrong: ["#room:example.org", "!a/b:c", "abc"],
      method: "PUT",
    },
    headers: { authorization: `Bearer ${TOKENS.matrix}` },
    path: () => /^\/_matrix\/client\/v3\/rooms\/!abc%3Aexample\.org\/send\/m\.room\.message\/[A-Za-z0-9_.%-]+$/,
    body: z.strictObject({ msgtype: z.literal("m.text"), body: shown, "m.mentions": z.strictObject({}) }),
    yes: { status: 200, body: json({ event_id: "$YUwRidLecu:example.com" }), id: "$YUwRidLecu:example.com" },
    no: [
      { status: 403, body: json({ errcode: "M_FORBIDDEN" }), means: "Permanent", says: /isn't in that room/ },
      { status: 401, body: json({ errcode: "M_UNKNOWN_TOKEN" }), means: "Permanent", says: /access token/ },
      { status: 429, body: json({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 2_000 }), means: "NotYet", says: 2_000 },
    ],
  },
  ntfy: {
    secret: "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
    ...{ hasApiUrl: true, recipients: ["invoices"], wrong: ["a topic", "a/b"], method: "POST" },
    headers: { authorization: "Bearer tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2" },
    path: () => "/",
    body: z.strictObject({ topic: z.literal("invoices"), title: shown, message: shown }),
    yes: { status: 200, body: json({ id: "xE73Iyuabi", event: "message" }), id: "xE73Iyuabi" },
    no: [
      {
        status: 403,
        body: json({ code: 40301, error: "forbidden" }),
        means: "Permanent",
        says: /may write to that topic/,
      },
      { status: 401, body: json({ code: 40101, error: "unauthorized" }), means: "Permanent", says: /access token/ },
    ],
  },
  gotify: {
    secret: "AKlm.No-secret_app",
    ...{
      hasApiUrl: true,
      recipients: [null],
      wrong: ["ann"],
      method: "POST",
      headers: { "x-gotify-key": "AKlm.No-secret_app" },
    },
    path: () => "/message",
    body: z.strictObject({ title: shown, message: shown, priority: z.literal(5) }),
    yes: { status: 200, body: json({ id: 25, appid: 5 }), id: "25" },
    no: [{ status: 401, body: json({ error: "Unauthorized" }), means: "Permanent", says: /application's token/ }],
  },
  pushover: {
    secret: KEY30,
    ...{ hasApiUrl: true, recipients: [USER30], wrong: ["ann", `${USER30}x`], method: "POST", headers: {} },
    path: () => "/1/messages.json",
    body: z.strictObject({
      token: z.literal(KEY30),
      user: z.literal(USER30),
      title: shown.max(250),
      message: shown.max(1_024),
    }),
    yes: { status: 200, body: json({ status: 1, request: "647d2300-702c-4b38-8b2f" }), id: "647d2300-702c-4b38-8b2f" },
    no: [
      {
        ...{ status: 400, body: json({ user: "invalid", errors: ["user identifier is not a valid user"], status: 0 }) },
        ...{ means: "Permanent", says: /user or group/ },
      },
      {
        status: 400,
        body: json({ errors: ["user identifier is not valid", "application token is invalid"], status: 0 }),
        means: "Permanent",
        says: /application's token/,
      },
      // The month's messages are used up until then; while some are left, it only goes too fast.
      ...(
        [
          [{ remaining: "0", resetInSeconds: 600 }, 600_000],
          [{ remaining: "0", resetInSeconds: 20 * 86_400 }, 3_600_000],
          [{ remaining: "0", resetInSeconds: -5 }, 30_000],
          [{ remaining: "7412", resetInSeconds: 600 }, 30_000],
        ] as const
      ).map(([{ remaining, resetInSeconds }, says]) => ({
        status: 429,
        headers: {
          date: "Sun, 15 Nov 2026 09:00:00 GMT",
          ...{ "x-limit-app-limit": "10000", "x-limit-app-remaining": remaining },
          "x-limit-app-reset": String(Date.UTC(2026, 10, 15, 9) / 1_000 + resetInSeconds),
        },
        body: json({ errors: ["application is over its quota"], status: 0 }),
        means: "NotYet" as const,
        says,
      })),
    ],
  },
  pagerduty: {
    secret: "0123456789abcdef0123456789ABCDEF",
    ...{ hasApiUrl: true, recipients: [null], wrong: ["ann"], method: "POST", headers: {} },
    path: () => "/v2/enqueue",
    body: z.strictObject({
      routing_key: z.literal("0123456789abcdef0123456789ABCDEF"),
      event_action: z.literal("trigger"),
      dedup_key: z.literal("reminder-default-1").and(z.string().max(255)),
      payload: z.strictObject({
        summary: shown.max(1_024),
        source: shown,
        severity: z.enum(["critical", "error", "warning", "info"]),
        custom_details: z.strictObject({ message: shown }),
      }),
      links: z.array(z.strictObject({ href: z.url(), text: shown })).optional(),
    }),
    yes: { status: 202, body: json({ status: "success", dedup_key: "reminder-default-1" }), id: "reminder-default-1" },
    no: [
      {
        ...{ status: 400, body: json({ status: "invalid event", errors: ["'routing_key' is missing or blank"] }) },
        ...{ means: "Permanent", says: /integration key/ },
      },
      { status: 400, body: json({ errors: ["'payload.summary' is too long"] }), means: "Permanent", says: /as it is/ },
    ],
  },
  opsgenie: {
    secret: "eb243592-faa2-4ba2-a551q-1afdf565c889",
    ...{ hasApiUrl: true, recipients: [null, "ann@example.com", "#operations"], wrong: ["ann"], method: "POST" },
    headers: { authorization: "GenieKey eb243592-faa2-4ba2-a551q-1afdf565c889" },
    path: () => "/v2/alerts",
    body: z.strictObject({
      message: shown.max(130),
      alias: z.string().regex(/^reminder-default-1(-[0-9a-f]{12})?$/),
      description: shown.max(15_000),
      source: shown,
      responders: z
        .tuple([
          z.union([
            z.strictObject({ type: z.literal("user"), username: z.email() }),
            z.strictObject({ type: z.literal("team"), name: z.literal("operations") }),
          ]),
        ])
        .optional(),
    }),
    yes: { status: 202, body: json({ result: "Request will be processed", requestId: "43a29c5c" }), id: "43a29c5c" },
    no: [
      { status: 401, body: json({ message: "Could not authenticate" }), means: "Permanent", says: /integration's key/ },
      {
        status: 422,
        body: json({ message: "Request body is not processable" }),
        means: "Permanent",
        says: /recipient/,
      },
    ],
  },
};
