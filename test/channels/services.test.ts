import { describe, expect, test } from "vitest";
import { type Channel, InvalidRecipient, type NotYet } from "../../src/channels/channel.ts";
import { readAccess, type ServiceAccess } from "../../src/channels/services/access.ts";
import { createServiceChannel } from "../../src/channels/services/channel.ts";
import { SERVICES } from "../../src/channels/services/list.ts";
import type { HttpService } from "../../src/channels/services/service.ts";
import { settingsOf } from "../../src/channels/services/settings.ts";
import { loopbackHttp } from "../outgoing/receiver.ts";
import { failure, unhurried } from "../support/email.ts";
import { answer, type HttpReceiver, startHttpReceiver } from "../support/http-receiver.ts";
import { exampleMessage } from "../support/message.ts";
import { PEERS, type ServicePeer } from "../support/services.ts";

const URLS = Object.fromEntries(
  ["done", "snooze", "promise", "not_me", "stop", "why", "answer"].map((purpose) => [
    purpose,
    `https://r.example.com/a/${purpose}`,
  ]),
) as never;

interface Here {
  http: HttpReceiver;
  peer: ServicePeer;
  access: ServiceAccess;
  /** A new one knows of no turns. */
  channel(): Channel;
}

function taking({ yes }: ServicePeer): HttpReceiver["behave"] {
  return answer(yes.status, { "content-type": "application/json" }, yes.body);
}

async function beside(service: HttpService): Promise<Here> {
  const http = await startHttpReceiver();
  const peer = PEERS[service.name] as ServicePeer;
  http.behave = taking(peer);
  const secret = peer.secret?.replace("URL", http.url) ?? null;
  const access = readAccess(service, { secret, apiUrl: peer.hasApiUrl ? `${http.url}/` : null });
  if (typeof access === "string") throw new Error(access);
  const outgoing = loopbackHttp();
  return { http, peer, access, channel: () => createServiceChannel(service, { access, http: outgoing }) };
}

function bodyOf(service: HttpService, text: string): unknown {
  return service.request.encoding === "json" ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
}

/** Every text in it. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

test("each service has a peer to be tested against, and each peer a service", () => {
  expect(Object.keys(PEERS).sort()).toEqual(SERVICES.map(({ name }) => name).sort());
  expect(SERVICES.length).toBeGreaterThanOrEqual(12);
});

describe.each(SERVICES.filter(({ isIdempotent }) => isIdempotent))(
  "a kept connection to $title that breaks",
  (service) => {
    /** What is answered next over it, in place of an answer over that which broke when the request was there. */
    async function brokenThen(
      next: HttpReceiver["behave"],
    ): Promise<Here & { sending: Promise<unknown>; one: Channel }> {
      const here = await beside(service);
      await here.channel().send(to(here.peer), unhurried);
      here.http.behave = (response) => {
        here.http.behave = next;
        response.destroy();
      };
      const one = here.channel();
      return { ...here, one, sending: one.send(to(here.peer), unhurried) };
    }

    test.each([
      ["503", answer(503, { "retry-after": "9" }), { name: "Retryable", retryAfterMs: 9_000 }],
      ["429", answer(429, { "retry-after": "7" }), { name: "Retryable", retryAfterMs: 7_000 }],
      ["401", answer(401), { name: "Retryable", retryAfterMs: 0 }],
    ])("may have shown the message, whatever comes of the next: %s", async (_, next, said) => {
      const { sending, http } = await brokenThen(next);
      expect(await failure(sending)).toMatchObject({ ...said, mayHaveArrived: true });
      expect(http.received).toHaveLength(3);
    });

    test("costs nothing where the next takes it", async () => {
      const { sending, peer, http } = await brokenThen((response, request) =>
        taking(PEERS[service.name] as ServicePeer)(response, request),
      );
      expect(await sending).toEqual({ providerId: peer.yes.id, demo: false });
      expect(http.received).toHaveLength(3);
    });

    test("still has its place wait where that takes no more", async () => {
      const { sending, one, peer } = await brokenThen(answer(429, { "retry-after": "7" }));
      await failure(sending);
      const { waitMs } = (await failure(one.send(to(peer), unhurried))) as NotYet;
      expect(waitMs).toBeGreaterThan(service.everyMs);
    });
  },
);

describe.each(SERVICES)("$title", (service) => {
  test("takes what its documentation describes, to each kind of recipient, and what it is called there is kept", async () => {
    const { http, peer, channel } = await beside(service);
    for (const recipient of peer.recipients) {
      const written = recipient === null ? null : channel().parseRecipient(` ${recipient} `);
      const message = exampleMessage({
        recipient: written,
        links: URLS,
        reminder: { subject: "Rent", message: "Please pay." },
      });

      expect(await channel().send(message, unhurried)).toEqual({ providerId: peer.yes.id, demo: false });

      const request = http.received.at(-1);
      expect(request).toMatchObject({ method: peer.method, headers: peer.headers });
      const path = peer.path(recipient);
      if (typeof path === "string") expect(request?.path).toBe(path);
      else expect(request?.path).toMatch(path);
      const body = bodyOf(service, request?.body ?? "");
      expect(peer.body.safeParse(body).error?.issues).toBeUndefined();
      const all = textsIn(body).join("\n");
      expect(all).toContain("Rent");
      expect(all).toContain("Please pay.");
      expect(all).toContain("https://r.example.com/a/done");
      expect(`${request?.path}${all}`).not.toMatch(/\{[a-z_]+\}|%7B/);
    }
  });

  test("a link of a usual length leads to its answers, each or all of them", async () => {
    const { http, peer, channel } = await beside(service);
    const links = Object.fromEntries(
      Object.keys(URLS).map((purpose) => [purpose, `https://reminders.example.com/a/${purpose.padEnd(44, "x")}`]),
    ) as never;
    await channel().send(
      exampleMessage({ ...to(peer), links, reminder: { message: "Please pay. ".repeat(900) } }),
      unhurried,
    );
    const all = textsIn(bodyOf(service, http.received[0]?.body ?? "")).join("\n");
    expect(all).toMatch(/\/a\/(donex|answerx)/);
    expect(all).toContain("Please pay. Please pay.");
  });

  test("without answers nothing is left of what they would stand in; how often so far is said in the reader's language", async () => {
    const { http, peer, channel } = await beside(service);
    const contact = { name: "Ann", email: "ann@example.com", timeZone: null, locale: "de" };
    await channel().send(exampleMessage({ ...to(peer), contact }), unhurried);
    const body = bodyOf(service, http.received[0]?.body ?? "");
    expect(peer.body.safeParse(body).error?.issues).toBeUndefined();
    expect(textsIn(body).join("\n")).toContain(
      "interviewer INT_100 · Erinnerung: 3-mal fällig seit dem 15. Januar 2025",
    );
  });

  test("what lets us in is no message's id, in whatever form it is given back", async () => {
    const { http, access, peer, channel } = await beside(service);
    const { secret } = access;
    if (secret === null || service.answer.idAt === undefined) return;
    const token = secret.split(/[/?&=]/).at(-1) as string;
    const bytes = Buffer.from(secret);
    for (const id of [secret, token, bytes.toString("base64"), bytes.toString("hex"), encodeURIComponent(secret)]) {
      const fields = service.answer.idAt.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), id);
      http.behave = answer(200, { "content-type": "application/json" }, JSON.stringify(fields));
      expect(await channel().send(to(peer), unhurried), id).toEqual({ providerId: null, demo: false });
    }
  });

  test("a recipient of no form that it knows is refused, in words", async () => {
    const { peer, channel } = await beside(service);
    for (const wrong of [...peer.wrong, "", "a\nb", "x".repeat(400)]) {
      expect(() => channel().parseRecipient(wrong), wrong).toThrow(InvalidRecipient);
      expect((await failure(channel().send(exampleMessage({ recipient: wrong }), unhurried))).name).toBe("Permanent");
    }
    if (service.needsRecipient) {
      const none = await failure(channel().send(exampleMessage({ recipient: null }), unhurried));
      expect(none.message).toMatch(/^nobody is addressed/);
    }
  });

  test("what it refuses means what its documentation says", async () => {
    const { http, peer, channel } = await beside(service);
    for (const { status, headers, body, means, says } of peer.no) {
      http.behave = answer(status, { "content-type": "application/json", ...headers }, body);
      const error = await failure(channel().send(to(peer), unhurried));
      expect(error.constructor.name, `${status} ${body}`).toBe(means);
      if (typeof says === "number") expect((error as NotYet).waitMs).toBe(says);
      else expect(error.message).toMatch(says);
    }
  });

  test("what it says at other times is tried again, given up, or not known", async () => {
    const { http, peer, channel } = await beside(service);
    const afterIt = async (behave: HttpReceiver["behave"]): Promise<Error> => {
      http.behave = behave;
      return failure(channel().send(to(peer), unhurried));
    };
    const unknown = service.isIdempotent ? "Retryable" : "OutcomeUnknown";
    expect(await afterIt(answer(429, { "retry-after": "7" }))).toMatchObject({ name: "NotYet", waitMs: 7_000 });
    expect(await afterIt(answer(429, { "retry-after": "999999" }))).toMatchObject({
      name: "NotYet",
      waitMs: 3_600_000,
    });
    expect(await afterIt(answer(503))).toMatchObject({ name: "Retryable", retryAfterMs: 0 });
    expect(await afterIt(answer(503, { "retry-after": "90" }))).toMatchObject({ retryAfterMs: 90_000 });
    expect((await afterIt(answer(500, {}, "<html>secret</html>"))).name).toBe(unknown);
    expect((await afterIt(answer(302, { location: "http://127.0.0.1:1/" }))).name).toBe("Permanent");
    expect((await afterIt(answer(418, {}, "[1, null"))).name).toBe("Permanent");
    expect((await afterIt((response) => response.destroy())).name).toBe(unknown);
    const receivedBefore = http.received.length;
    http.behave = answer(peer.yes.status, {}, "not what was agreed");
    expect(await channel().send(to(peer), unhurried)).toEqual({ providerId: null, demo: false });
    expect(http.received).toHaveLength(receivedBefore + 1);
  });

  test("nobody at home, and what may not be asked", async () => {
    const { peer, access } = await beside(service);
    const gone = (url: string | null): string | null => url?.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1") ?? null;
    const moved = { secret: gone(access.secret), apiUrl: gone(access.apiUrl) };
    const nobody = createServiceChannel(service, { access: moved, http: loopbackHttp() });
    expect((await failure(nobody.send(to(peer), unhurried))).name).toBe("Retryable");
    const guarded = createServiceChannel(service, { access, http: loopbackHttp({}, []) });
    expect((await failure(guarded.send(to(peer), unhurried))).name).toBe("Permanent");
  });

  test("whatever is in the data, nothing breaks out of its place, and no limit is passed", async () => {
    const { http, peer, channel } = await beside(service);
    const hostile = `","x":"</b>{token}{url} @all -@all see.@here _@channel_ <!channel> <users/all> [bank](https://evil.example) \u202e\u0000 🙂`;
    const text = `${hostile} ${"🙂".repeat(15_000)}`;
    const reminder = { subject: "{{ data.text }}", message: "{{ data.text }}", data: { text }, entityId: hostile };

    await channel().send(exampleMessage({ ...to(peer), links: URLS, reminder }), unhurried);

    const body = bodyOf(service, http.received[0]?.body ?? "");
    expect(peer.body.safeParse(body).error?.issues).toBeUndefined();
    for (const part of textsIn(body)) {
      expect(part.isWellFormed()).toBe(true);
      if (service.markup !== "none") expect(part).not.toMatch(/@(all|here|channel)|<[!u]|\]\(https:\/\/evil/);
      if (service.mentions) expect(part).not.toMatch(/@(all|here)/);
    }
  });

  test("its secret is in no reason, and so is nothing that it answers", async () => {
    const { http, peer, access, channel } = await beside(service);
    for (const status of [400, 401, 403, 404, 418, 429, 500, 503]) {
      http.behave = answer(status, {}, `{"error":"told-by-them","description":"told-by-them ${access.secret}"}`);
      const { message } = await failure(channel().send(to(peer), unhurried));
      expect(message).not.toContain("told-by-them");
      for (const secret of peer.secret?.match(/[\w-]*secret[\w-]*/gi) ?? [peer.secret as string])
        expect(message).not.toContain(secret);
    }
  });

  test("one at a time to a place; who is asked once more before it leaves may stop it", async () => {
    const { http, peer, channel } = await beside(service);
    const one = channel();
    await one.send(to(peer), unhurried);
    const error = (await failure(one.send(to(peer), unhurried))) as NotYet;
    expect(error.name).toBe("NotYet");
    expect(error.waitMs).toBeGreaterThan(0);
    expect(error.waitMs).toBeLessThanOrEqual(service.everyMs);
    const done = new Error("it is done");
    const stopped = channel().send(to(peer), { ...unhurried, beforeSend: () => Promise.reject(done) });
    expect(await failure(stopped)).toBe(done);
    expect(http.received).toHaveLength(1);
  });

  test("without a way in it waits until somebody sets one, and says how", async () => {
    const peer = PEERS[service.name] as ServicePeer;
    const error = await failure(
      createServiceChannel(service, { access: null, http: loopbackHttp() }).send(to(peer), unhurried),
    );
    expect(error.name).toBe("Retryable");
    for (const { name } of settingsOf(service)) expect(error.message).toContain(name);
  });
});

test.each([
  ["teams", "Dear Ann,\n\nplease pay\n- the rent\n- the gas\n\nThanks"],
  ["webex", "Dear Ann,  \nplease pay\n- the rent\n- the gas\n\nThanks"],
  ["discord", "Dear Ann,\nplease pay\n- the rent\n- the gas\n\nThanks"],
])("lines are lines in %s, and lists stay lists", async (name, expected) => {
  const service = SERVICES.find((one) => one.name === name) as HttpService;
  const { http, peer, channel } = await beside(service);
  const message = "Dear Ann,\nplease pay\n- the rent\n- the gas\n\nThanks";
  await channel().send(exampleMessage({ ...to(peer), reminder: { message } }), unhurried);
  expect(textsIn(bodyOf(service, http.received[0]?.body ?? "")).join("\n")).toContain(expected);
});

test.each(SERVICES.filter(({ markup, linksInText }) => markup !== "none" && linksInText))(
  "$title: a block of code that is cut, or has no end, takes no link in",
  async (service) => {
    const { http, peer, channel } = await beside(service);
    const code = (lines: number) => `It failed:\n\`\`\`\n${"at somewhere (else.js:1)\n".repeat(lines)}`;
    for (const message of [`${code(800)}\`\`\`\nPlease look.`, code(2)]) {
      await channel().send(exampleMessage({ ...to(peer), links: URLS, reminder: { message } }), unhurried);
      const text = textsIn(bodyOf(service, http.received.at(-1)?.body ?? "")).join("\n");
      expect(text).toMatch(/^```\n\n.*https:\/\/r\.example\.com\/a\/(done|answer)/m);
      expect(text.match(/```/g)).toHaveLength(2);
    }
    expect(peer.body.safeParse(bodyOf(service, http.received[0]?.body ?? "")).error?.issues).toBeUndefined();
  },
);

test.each(["discord", "google_chat"])("%s: a block that ends behind its last word has ended", async (name) => {
  const service = SERVICES.find((one) => one.name === name) as HttpService;
  const { http, peer, channel } = await beside(service);
  const message = "```npm ci\nnpm test```\nPlease look.";
  await channel().send(exampleMessage({ ...to(peer), links: URLS, reminder: { message } }), unhurried);
  const text = textsIn(bodyOf(service, http.received[0]?.body ?? "")).join("\n");
  expect(text).toContain("npm test```\nPlease look.\n\n");
  expect(text.match(/```/g)).toHaveLength(2);
});

function to({ recipients }: ServicePeer) {
  return exampleMessage({ recipient: recipients[0] ?? null });
}
