import { describe, expect, test } from "vitest";
import { BadAddress } from "../../src/channels/channel.ts";
import { tellsSecret } from "../../src/core/secret-forms.ts";
import { emailChannel, failure, unhurried } from "../support/email.ts";
import { exampleMessage } from "../support/message.ts";
import { polite, type Script, startScript, startSmtp } from "../support/smtp.ts";

/** What a send fails with against a server that answers this one line so, and every other politely. */
async function failureWhen(matches: string, reply: string): Promise<Error> {
  const server = await startScript((line) => (line.startsWith(matches) ? reply : polite(line)));
  return await failure(emailChannel({ port: server.port }).send(exampleMessage(), unhurried));
}

describe("a server's no", () => {
  test.each([
    ["MAIL", "451 4.7.1 try later"],
    ["RCPT", "450 4.2.0 greylisted"],
    ["RCPT", "451 4.3.0 local error"],
    ["RCPT", "452 4.2.2 mailbox full"],
    ["DATA", "421 4.3.2 shutting down"],
    ["DATA", "451 4.3.0 not now"],
    [".", "450 4.7.0 content to be looked at"],
    [".", "421 4.4.2 too busy"],
    ["MAIL", "503 5.5.1 bad sequence"],
  ])("that may pass is tried again: %s -> %s", async (line, reply) => {
    const error = await failureWhen(line, reply);

    expect(error.name).toBe("Retryable");
    expect(error.message).toContain(reply.slice(-10));
  });

  test.each([
    ["RCPT", "550 5.1.1 no such user", "refused ann@example.com: "],
    ["RCPT", "553 5.1.3 bad address", "refused ann@example.com: "],
    ["MAIL", "553 5.7.1 not your address", "check SMTP_FROM_EMAIL"],
    ["DATA", "554 5.7.1 no valid recipients", "refused "],
    [".", "554 5.7.1 looks like spam", "refused the message for ann@example.com"],
    [".", "552 5.3.4 too big", "refused the message for ann@example.com"],
  ])("that stays a no is final, and says so in its own words: %s -> %s", async (line, reply, says) => {
    const error = await failureWhen(line, reply);

    expect(error.name).toBe("Permanent");
    expect(error.message).toContain(says);
    expect(error.message).toContain(reply);
  });

  test.each([
    ["RCPT", "550 5.1.1 no such user", true],
    ["RCPT", "550 5.7.1 not from you", false],
    ["RCPT", "550 no", false],
    ["MAIL", "550 5.1.1 who?", false],
    [".", "550 5.1.1 no such user", false],
  ])("blames the address where it is about that alone: %s -> %s is %s", async (line, reply, isBlamed) => {
    const error = await failureWhen(line, reply);
    expect(error.name).toBe("Permanent");
    expect(error instanceof BadAddress).toBe(isBlamed);
    if (error instanceof BadAddress) expect(error.blamed).toEqual({ reason: "hard_bounce", days: 180 });
  });

  test.each(["530 5.7.0 Authentication required", "535 5.7.8 expired"])(
    "that asks for a login is the operator's to mend, so it is tried again: MAIL -> %s",
    async (reply) => {
      const error = await failureWhen("MAIL", reply);

      expect(error.name).toBe("Retryable");
      expect(error.message).toContain("check SMTP_USERNAME and SMTP_PASSWORD");
    },
  );

  test("as long as a page is cut to a sentence", async () => {
    const error = await failureWhen("RCPT", `${"550-no\r\n".repeat(2_000)}550 no`);

    expect(error.name).toBe("Permanent");
    expect(error.message.length).toBeLessThanOrEqual(400);
    expect(error.message).not.toMatch(/[\r\n]/);
  });

  test("leaves the connection ready for the next message", async () => {
    const smtp = await startSmtp({
      onRcptTo({ address }, _session, callback) {
        callback(address.startsWith("nobody") ? Object.assign(new Error("no such user"), { responseCode: 550 }) : null);
      },
    });
    const email = emailChannel({ port: smtp.port });

    await failure(email.send(exampleMessage({ recipient: "nobody@example.com" }), unhurried));
    await email.send(exampleMessage(), unhurried);

    expect(smtp.received.map(({ envelope }) => envelope.to)).toEqual([["ann@example.com"]]);
  });
});

describe("the login", () => {
  const refusing = (seen: string[]): Parameters<typeof startSmtp>[0] => ({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      if (password === "right") return callback(null, { user: username });
      seen.push(password ?? "");
      // Some servers say what they got.
      callback(
        Object.assign(new Error(`wrong: ${password} ${btoa(`\0${username}\0${password}`)}`), { responseCode: 535 }),
      );
    },
  });

  test.each([
    ["in a JSON string", (text: string) => JSON.stringify(text)],
    ["with each byte percent-encoded", (text: string) => Buffer.from(text).toString("hex").replace(/../g, "%$&")],
    [
      "by its characters' numbers",
      (text: string) => [...text].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join(""),
    ],
    ["behind another name in base64", (text: string) => btoa(`somebody else:${text}`)],
    ["turned around", (text: string) => [...text].reverse().join("")],
  ])("said back %s, in a refusal or as the message's id, goes no further", async (_, form) => {
    const password = 'hunter2-"secret';
    const said = form(password);
    const server = (line: string): string | null => {
      if (line.startsWith("EHLO")) return "250 AUTH PLAIN";
      return line.startsWith("AUTH") ? "235 2.7.0 welcome" : null;
    };
    const refusing = await startScript(
      (line) => server(line) ?? (line.startsWith("RCPT") ? `550 5.7.1 ${said}` : polite(line)),
    );
    const taking = await startScript(
      (line) => server(line) ?? (line === "." ? `250 2.0.0 queued as ${said}` : polite(line)),
    );
    const send = (port: number) => emailChannel({ port, username: "ann", password }).send(exampleMessage(), unhurried);

    const refusal = await failure(send(refusing.port));
    const { providerId } = await send(taking.port);

    expect(refusal.message).toMatch(/refused ann@example.com: /);
    expect(tellsSecret(`${refusal.message} ${providerId}`, password)).toBe(false);
  });

  test("refused is retryable, tells what to check, and keeps the password to itself", async () => {
    const seen: string[] = [];
    const smtp = await startSmtp(refusing(seen));
    const email = emailChannel({ port: smtp.port, username: "ann", password: "hunter2-secret" });

    const error = await failure(email.send(exampleMessage(), unhurried));

    expect(seen).toEqual(["hunter2-secret"]);
    expect(error.name).toBe("Retryable");
    expect(error.message).toContain("check SMTP_USERNAME and SMTP_PASSWORD");
    expect(error.message).not.toContain("hunter2-secret");
    expect(error.message).not.toContain(btoa("\0ann\0hunter2-secret"));
    await smtp.noConnections();
  });

  test("accepted is used for the message, and once for many", async () => {
    const smtp = await startSmtp(refusing([]));
    const email = emailChannel({ port: smtp.port, username: "ann", password: "right" });

    await email.send(exampleMessage(), unhurried);
    await email.send(exampleMessage(), unhurried);

    expect(smtp.received.map(({ user }) => user)).toEqual(["ann", "ann"]);
    expect(smtp.connections).toBe(1);
  });
});

describe("a broken line", () => {
  const hangUpAt =
    (matches: string): Script =>
    (line, socket) => {
      if (!line.startsWith(matches)) return polite(line);
      socket.destroy();
      return undefined;
    };

  test.each(["EHLO", "MAIL", "RCPT", "DATA"])("before the message went out (%s) is tried again", async (line) => {
    const server = await startScript(hangUpAt(line));

    const error = await failure(emailChannel({ port: server.port }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toContain(`127.0.0.1:${server.port}`);
  });

  test("after the message went out leaves its outcome unknown: it is not sent again", async () => {
    const server = await startScript(hangUpAt("."));

    const error = await failure(emailChannel({ port: server.port }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("OutcomeUnknown");
    expect(error.message).toContain("never said whether it took it");
    expect(server.lines.filter((line) => line === ".")).toHaveLength(1);
  });

  test("after the message went out, but with the server's no, is that no", async () => {
    const server = await startScript((line, socket) => {
      if (line !== ".") return polite(line);
      socket.end("554 5.7.1 spam\r\n");
      return undefined;
    });

    const error = await failure(emailChannel({ port: server.port }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Permanent");
  });

  test("nonsense instead of the last answer leaves the outcome unknown", async () => {
    const error = await failureWhen(".", "what a lovely message");

    expect(error.name).toBe("OutcomeUnknown");
  });

  test.each([
    ["no greeting but a no", "554 5.3.2 go away"],
    ["nonsense", "HTTP/1.1 400 Bad Request"],
  ])("%s is tried again", async (_what, greeting) => {
    const server = await startScript(polite, greeting);

    const error = await failure(emailChannel({ port: server.port }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toContain("check SMTP_HOST and SMTP_PORT");
  });

  test("nobody listening is tried again", async () => {
    const error = await failure(emailChannel({ port: 1 }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toMatch(/127\.0\.0\.1:1 can't be reached .*ECONNREFUSED.*: check SMTP_HOST and SMTP_PORT/);
  });

  test("of a connection that the server ended while idle costs no try", async () => {
    const smtp = await startSmtp();
    const email = emailChannel({ port: smtp.port });
    await email.send(exampleMessage(), unhurried);

    await smtp.endIdleConnections();
    await email.send(exampleMessage(), unhurried);

    expect(smtp.received).toHaveLength(2);
    expect(smtp.connections).toBe(2);
  });

  test("of a used connection that says 421 to the next message costs no try", async () => {
    let messages = 0;
    const server = await startScript((line) => {
      if (line.startsWith("MAIL") && ++messages === 2) return "421 4.4.2 idle for too long";
      return polite(line);
    });
    const email = emailChannel({ port: server.port });

    await email.send(exampleMessage(), unhurried);
    await email.send(exampleMessage(), unhurried);

    expect(server.lines.filter((line) => line === ".")).toHaveLength(2);
  });
});

describe("a hung server lets go when the engine says so", () => {
  /** Sends, and aborts as soon as the server has got this line. */
  async function abortedAt(matches: string): Promise<{ error: Error; openSockets: number }> {
    const controller = new AbortController();
    const server = await startScript((line) => {
      if (!line.startsWith(matches)) return polite(line);
      controller.abort(new Error("the worker stops"));
      return undefined;
    });
    const error = await failure(
      emailChannel({ port: server.port }).send(exampleMessage(), { signal: controller.signal }),
    );
    while (server.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
    return { error, openSockets: server.sockets.size };
  }

  test.each(["EHLO", "MAIL", "RCPT", "DATA"])(
    "at %s: to be tried again, and the connection is closed",
    async (line) => {
      const { error, openSockets } = await abortedAt(line);

      expect(error.name).toBe("Retryable");
      expect(error.message).toContain("the worker stops");
      expect(openSockets).toBe(0);
    },
  );

  test("after the message went out: outcome unknown, and the connection is closed", async () => {
    const { error, openSockets } = await abortedAt(".");

    expect(error.name).toBe("OutcomeUnknown");
    expect(openSockets).toBe(0);
  });

  test("before it even greeted", async () => {
    const server = await startScript(polite, null);
    const controller = new AbortController();

    const sending = failure(emailChannel({ port: server.port }).send(exampleMessage(), { signal: controller.signal }));
    while (server.sockets.size === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("the worker stops"));

    expect((await sending).name).toBe("Retryable");
  });

  test("a signal that is aborted already opens no connection", async () => {
    const smtp = await startSmtp();

    const error = await failure(
      emailChannel({ port: smtp.port }).send(exampleMessage(), { signal: AbortSignal.abort(new Error("too late")) }),
    );

    expect(error.name).toBe("Retryable");
    expect(smtp.connections).toBe(0);
  });
});

describe("what comes up before the message leaves", () => {
  test("is asked once the server is ready, stops the message, and keeps the connection", async () => {
    const smtp = await startSmtp();
    const email = emailChannel({ port: smtp.port });
    const isDone = new Error("the flag is set");
    const connectionsWhenAsked: number[] = [];

    const error = await failure(
      email.send(exampleMessage(), {
        ...unhurried,
        beforeSend: async () => {
          connectionsWhenAsked.push(smtp.connections);
          throw isDone;
        },
      }),
    );
    await email.send(exampleMessage({ reminder: { id: 2 } }), { ...unhurried, beforeSend: async () => {} });

    expect(error).toBe(isDone);
    expect(connectionsWhenAsked).toEqual([1]);
    expect(smtp.received.map(({ mail }) => mail.messageId)).toEqual([expect.stringMatching(/^<2-/)]);
    expect(smtp.connections).toBe(1);
  });
});

describe("what comes up while the server takes its time over the recipient", () => {
  test("stops the message before a byte of it has left, and reaches the caller as it is", async () => {
    const isDone = Object.freeze(new Error("the flag is set"));
    let flagIsSet = false;
    let sentAfterData = "";
    const server = await startScript((line, socket) => {
      if (line.startsWith("RCPT") && line.includes("<ann@")) flagIsSet = true;
      if (line === "DATA" && flagIsSet) socket.on("data", (chunk) => (sentAfterData += chunk));
      return polite(line);
    });
    const email = emailChannel({ port: server.port });
    const beforeSend = async () => {
      if (flagIsSet) throw isDone;
    };

    const error = await failure(email.send(exampleMessage(), { ...unhurried, beforeSend }));

    expect(error).toBe(isDone);
    while (server.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(server.lines.at(-1)).toBe("DATA");
    expect(sentAfterData).toBe("");

    flagIsSet = false;
    await email.send(exampleMessage({ recipient: "bob@example.com" }), { ...unhurried, beforeSend });
    expect(server.lines.filter((line) => line === ".")).toHaveLength(1);
  });

  test("is nothing, and the message arrives whole", async () => {
    const smtp = await startSmtp();
    let asked = 0;

    await emailChannel({ port: smtp.port }).send(exampleMessage(), {
      ...unhurried,
      beforeSend: async () => {
        asked++;
      },
    });

    expect(smtp.received.map(({ mail }) => mail.text)).toEqual([expect.stringContaining("is still open")]);
    expect(asked).toBeGreaterThan(1);
  });

  test.each(["the server hangs up", "the worker stops"])(
    "when meanwhile %s, the message has not left and is tried again",
    async (what) => {
      const controller = new AbortController();
      const server = await startScript(polite);
      let answer: (() => void) | undefined;
      const beforeSend = async () => {
        if (!server.lines.includes("DATA")) return;
        if (what === "the worker stops") controller.abort(new Error(what));
        else for (const socket of server.sockets) socket.destroy();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      };

      const error = await failure(
        emailChannel({ port: server.port }).send(exampleMessage(), { signal: controller.signal, beforeSend }),
      );
      answer?.();
      while (server.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));

      expect(error.name).toBe("Retryable");
      expect(server.lines.at(-1)).toBe("DATA");
    },
  );
});

test("as many messages at once as the channel allows arrive once each", async () => {
  const smtp = await startSmtp();
  const email = emailChannel({ port: smtp.port });
  const ids = Array.from({ length: 30 }, (_, index) => index + 1);
  let next = 0;

  const senders = Array.from({ length: email.concurrency }, async () => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      await email.send(exampleMessage({ reminder: { id } }), unhurried);
    }
  });
  await Promise.all(senders);

  expect(smtp.received).toHaveLength(30);
  expect(new Set(smtp.received.map(({ mail }) => mail.messageId)).size).toBe(30);
  expect(smtp.connections).toBeLessThanOrEqual(email.concurrency);
});
