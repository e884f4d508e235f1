import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { createEmailChannel } from "../../src/channels/email/email.ts";
import type { SmtpServer } from "../../src/channels/email/settings.ts";
import { failure, unhurried } from "../support/email.ts";
import { freePort } from "../support/free-port.ts";
import { exampleMessage } from "../support/message.ts";
import { polite, type Script, startScript, startSmtp } from "../support/smtp.ts";

const server = (port: number): SmtpServer => ({ host: "127.0.0.1", port, username: null, password: null, tls: "off" });

/** Sends by the first of these, or else the next. */
function sendingBy(...ports: number[]): Channel {
  const [first, ...others] = ports.map(server);
  const email = createEmailChannel({
    from: { address: "noreply@company.example", name: "Reminders" },
    server: first as SmtpServer,
    fallback: others,
    concurrency: 5,
    print: () => {},
  });
  onTestFinished(() => email.close());
  return email;
}

const answering =
  (matches: string, reply: string): Script =>
  (line) =>
    line.startsWith(matches) ? reply : polite(line);

describe("a server that is down", () => {
  test("is no failed try: the next one takes the same message, and the first isn't asked for a while", async () => {
    const [dead, smtp] = [await startScript(answering("EHLO", "421 4.3.2 down for maintenance")), await startSmtp()];
    const email = sendingBy(dead.port, smtp.port);
    const message = exampleMessage();

    await email.send(message, unhurried);
    await email.send(exampleMessage({ reminder: { id: 2 } }), unhurried);

    expect(smtp.received.map(({ mail }) => mail.messageId)).toEqual([
      `<${message.idempotencyKey}@company.example>`,
      expect.stringMatching(/^<2-/),
    ]);
    expect(dead.lines.filter((line) => line.startsWith("EHLO"))).toHaveLength(1);
  });

  test.each<[string, () => Promise<number>]>([
    ["that isn't there", freePort],
    ["that refuses connections", async () => (await startScript(polite, "554 no service")).port],
    [
      "that hangs up at the sender",
      async () =>
        (await startScript((line, socket) => (line.startsWith("MAIL") ? void socket.destroy() : polite(line)))).port,
    ],
    ["that closes at the recipient", async () => (await startScript(answering("RCPT", "421 4.3.2 closing"))).port],
    [
      "that wants a login",
      async () => (await startScript(answering("MAIL", "530 5.7.0 Authentication required"))).port,
    ],
  ])("%s is passed over", async (_, down) => {
    const smtp = await startSmtp();
    await sendingBy(await down(), smtp.port).send(exampleMessage(), unhurried);
    expect(smtp.received).toHaveLength(1);
  });

  test("is asked again after a while, and takes its place again when it works", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    let isDown = true;
    const first = await startScript((line) => (line.startsWith("EHLO") && isDown ? "421 4.3.2 down" : polite(line)));
    const smtp = await startSmtp();
    const email = sendingBy(first.port, smtp.port);
    await email.send(exampleMessage(), unhurried);
    isDown = false;

    vi.advanceTimersByTime(29_000);
    await email.send(exampleMessage(), unhurried);
    expect(smtp.received).toHaveLength(2);
    vi.advanceTimersByTime(2_000);
    await email.send(exampleMessage(), unhurried);

    expect(smtp.received).toHaveLength(2);
    expect(first.lines).toContain(".");
  });

  test("with all others: it is tried again later, and the reason names each", async () => {
    const ports = [await freePort(), await freePort()];
    const email = sendingBy(...ports);
    for (let n = 0; n < 2; n += 1) {
      const error = await failure(email.send(exampleMessage(), unhurried));
      expect(error.name).toBe("Retryable");
      for (const port of ports) expect(error.message).toContain(`127.0.0.1:${port} can't be reached`);
    }
  });
});

describe("no other server gets a message", () => {
  test.each<[string, Script, string]>([
    [
      "which this one may have",
      (line, socket) => (line === "." ? void socket.destroy() : polite(line)),
      "OutcomeUnknown",
    ],
    ["whose content it refused for now", answering(".", "451 4.3.0 not now"), "Retryable"],
    ["whose content it refused", answering(".", "554 5.7.1 spam"), "Permanent"],
    ["whose recipient it refused", answering("RCPT", "550 5.1.1 no such user"), "Permanent"],
    ["whose recipient it greylists", answering("RCPT", "450 4.2.0 greylisted"), "Retryable"],
  ])("%s", async (_, script, name) => {
    const [first, smtp] = [await startScript(script), await startSmtp()];
    const error = await failure(sendingBy(first.port, smtp.port).send(exampleMessage(), unhurried));
    expect(error.name).toBe(name);
    expect(smtp.connections).toBe(0);
  });

  test("that isn't wanted any more", async () => {
    const [first, smtp] = [await startScript(polite), await startSmtp()];
    const change = new Error("it is done");
    const beforeSend = async () => {
      throw change;
    };
    const error = await failure(sendingBy(first.port, smtp.port).send(exampleMessage(), { ...unhurried, beforeSend }));
    expect(error).toBe(change);
    expect(smtp.connections).toBe(0);
  });
});
