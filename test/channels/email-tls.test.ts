import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { emailChannel, failure, unhurried } from "../support/email.ts";
import { exampleMessage } from "../support/message.ts";
import { certificate, certificateKey, polite, startScript, startSmtp } from "../support/smtp.ts";

const offeringStartTls = { disabledCommands: [] };
const trusted = { certificateAuthority: certificate };

describe("TLS", () => {
  test.each(["auto", "required"] as const)("%s: is used when the server offers it", async (tls) => {
    const smtp = await startSmtp(offeringStartTls);

    await emailChannel({ port: smtp.port, tls, ...trusted }).send(exampleMessage(), unhurried);

    expect(smtp.received).toMatchObject([{ secure: true }]);
  });

  test("implicit: from the first byte", async () => {
    const smtp = await startSmtp({ secure: true });

    await emailChannel({ port: smtp.port, tls: "implicit", ...trusted }).send(exampleMessage(), unhurried);

    expect(smtp.received).toMatchObject([{ secure: true }]);
  });

  test("off: is left alone even where it is offered", async () => {
    const smtp = await startSmtp(offeringStartTls);

    await emailChannel({ port: smtp.port, tls: "off" }).send(exampleMessage(), unhurried);

    expect(smtp.received).toMatchObject([{ secure: false }]);
  });

  test("auto: does without where none is offered and no password is at stake", async () => {
    const smtp = await startSmtp();

    await emailChannel({ port: smtp.port, tls: "auto" }).send(exampleMessage(), unhurried);

    expect(smtp.received).toMatchObject([{ secure: false }]);
  });

  test("required: nothing is sent where none is offered, and it may be tried again", async () => {
    const smtp = await startSmtp();

    const error = await failure(emailChannel({ port: smtp.port, tls: "required" }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toContain("check its certificate and SMTP_TLS=required");
    expect(smtp.received).toEqual([]);
  });

  test("auto: a server on another machine gets no password without TLS", async () => {
    const server = await startScript((line) => {
      if (line.startsWith("EHLO")) return "250-script\r\n250 AUTH PLAIN LOGIN";
      return line === "STARTTLS" ? "502 5.5.1 what is that?" : polite(line);
    });
    // Every machine answers to 127.0.0.1 by this name too, and it isn't on the list of loopback names.
    const email = emailChannel({
      host: "0.0.0.0",
      port: server.port,
      tls: "auto",
      username: "ann",
      password: "secret",
    });

    const error = await failure(email.send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(server.lines.filter((line) => line.startsWith("AUTH"))).toEqual([]);
  });

  test.each(["auto", "required"] as const)("%s: a certificate that nobody vouches for ends it", async (tls) => {
    const smtp = await startSmtp(offeringStartTls);

    const error = await failure(emailChannel({ port: smtp.port, tls }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toMatch(/self-signed certificate.*check its certificate/);
    expect(smtp.received).toEqual([]);
  });

  test("implicit: a certificate that nobody vouches for ends it", async () => {
    const smtp = await startSmtp({ secure: true });

    const error = await failure(emailChannel({ port: smtp.port, tls: "implicit" }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toMatch(/self-signed certificate.*check its certificate/);
  });

  test("a server that only speaks TLS 1.1 is refused", async () => {
    const old = createSecureContext({
      cert: certificate,
      key: certificateKey,
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const server = createServer((socket) => {
      new TLSSocket(socket, { isServer: true, secureContext: old }).on("error", () => socket.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;

    const error = await failure(emailChannel({ port, tls: "implicit", ...trusted }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(error.message).toMatch(/ssl|tls|protocol/i);
  });

  test("a server that offers STARTTLS and then refuses it gets no message", async () => {
    const server = await startScript((line) => {
      if (line.startsWith("EHLO")) return "250-script\r\n250 STARTTLS";
      return line === "STARTTLS" ? "454 4.7.0 not today" : polite(line);
    });

    const error = await failure(emailChannel({ port: server.port, tls: "auto" }).send(exampleMessage(), unhurried));

    expect(error.name).toBe("Retryable");
    expect(server.lines).not.toContain("DATA");
  });
});
