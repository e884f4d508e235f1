import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { dnsResolver } from "../../src/outgoing/resolve.ts";
import { startDnsServer } from "../support/dns-server.ts";
import { listenOnLoopback } from "../support/loopback.ts";
import { countConnections, namesLeadTo } from "./packets.ts";
import { loopbackHttp, startAnswering, startReceiver } from "./receiver.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Two listeners at one port: 127.0.0.2 may be reached, 127.0.0.1 may not. */
async function startBoth() {
  const inside = await startAnswering(OK);
  const outside = { reached: 0, port: inside.port, hosts: [] as string[] };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    outside.reached += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      outside.hosts.push(/host: (.*)/i.exec(data.toString())?.[1] ?? "");
      socket.write(OK);
    });
  });
  server.listen(inside.port, "127.0.0.2");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { inside, outside };
}

test("a name server that answers otherwise the second time is not asked a second time", async () => {
  const { inside, outside } = await startBoth();
  let asked = 0;
  const dns = await startDnsServer(() => {
    asked += 1;
    return asked <= 2 ? ["127.0.0.2"] : ["127.0.0.1"];
  });
  const http = loopbackHttp({ resolve: dnsResolver([dns.address]) }, ["127.0.0.2"]);
  const url = `http://rebinding.test:${inside.port}/`;

  expect(await http.request({ method: "GET", url })).toMatchObject({ ok: true, body: Buffer.from("ok") });
  expect(dns.asked.toSorted()).toEqual(["rebinding.test A", "rebinding.test AAAA"]);
  expect({ outside: outside.reached, inside: inside.connections }).toEqual({ outside: 1, inside: 0 });

  // The next request asks anew, and a connection that was kept doesn't spare it the judgement.
  expect(await http.request({ method: "GET", url })).toMatchObject({ ok: false, kind: "refused" });
  expect({ outside: outside.reached, inside: inside.connections }).toEqual({ outside: 1, inside: 0 });
});

test.each([
  ["IPv4", ["127.0.0.2", "127.0.0.1"]],
  ["IPv6", ["127.0.0.2", "::1"]],
  ["IPv4 in IPv6", ["127.0.0.2", "::ffff:127.0.0.1"]],
  ["the last of thirty", [...Array.from({ length: 29 }, (_, n) => `127.0.0.${n + 2}`), "10.0.0.1"]],
])("a real name server's mixed answer is refused without a packet to anybody: %s", async (_, addresses) => {
  const { inside, outside } = await startBoth();
  const dns = await startDnsServer(() => addresses);
  const allow = Array.from({ length: 29 }, (_, n) => `127.0.0.${n + 2}`);
  const http = loopbackHttp({ resolve: dnsResolver([dns.address]) }, allow);
  const connections = countConnections();
  const answer = await http.request({ method: "GET", url: `http://mixed.test:${inside.port}/` });
  expect(answer).toMatchObject({ ok: false, kind: "refused", mayHaveArrived: false });
  expect({ ...connections, outside: outside.reached, inside: inside.connections }).toEqual({
    begun: 0,
    outside: 0,
    inside: 0,
  });
});

test("Host stays the name, and the final dot of a name changes nothing", async () => {
  const { inside, outside } = await startBoth();
  const dns = await startDnsServer(() => ["127.0.0.2"]);
  const http = loopbackHttp({ resolve: dnsResolver([dns.address]) });
  await http.request({ method: "GET", url: `http://A.test:${inside.port}/` });
  await http.request({ method: "GET", url: `http://b.test.:${inside.port}/` });
  expect(outside.hosts).toEqual([`a.test:${inside.port}`, `b.test.:${inside.port}`]);
});

test.each([
  ["no such name", null, "its host has no address"],
  ["a name without addresses", [], "its host has no address"],
])("%s is unreachable", async (_, addresses, because) => {
  const dns = await startDnsServer(() => addresses);
  const answer = await loopbackHttp({ resolve: dnsResolver([dns.address]) }).request({
    method: "GET",
    url: "http://a.test/",
  });
  expect(answer).toEqual({ ok: false, kind: "unreachable", because, mayHaveArrived: false });
});

test("a name server that is silent takes no more than the time there is", async () => {
  const dns = await startDnsServer(() => "silence");
  const http = loopbackHttp({ resolve: dnsResolver([dns.address]) });
  const answer = await http.request({ method: "GET", url: "http://a.test/", timeoutMs: 200 });
  expect(answer).toMatchObject({ ok: false, kind: "timed_out", mayHaveArrived: false });
});

test("silent name servers keep nothing else from its work", async () => {
  const dns = await startDnsServer((name) => (name.startsWith("slow") ? "silence" : ["127.0.0.1"]));
  const receiver = await startAnswering(OK);
  const http = loopbackHttp({ resolve: dnsResolver([dns.address]) });
  const slow = Array.from({ length: 50 }, (_, n) =>
    http.request({ method: "GET", url: `http://slow${n}.test:${receiver.port}/`, timeoutMs: 2_000 }),
  );
  const quick = await http.request({ method: "GET", url: `http://quick.test:${receiver.port}/` });
  expect(quick).toMatchObject({ ok: true });
  const isOver = await Promise.race([Promise.any(slow).then(() => true), Promise.resolve(false)]);
  expect(isOver).toBe(false);
  expect((await Promise.all(slow)).every((answer) => !answer.ok && answer.kind === "timed_out")).toBe(true);
});

test("where nobody listens at one address, the next one is tried", async () => {
  const receiver = await startAnswering(OK);
  const { resolve } = namesLeadTo("127.0.0.3", "127.0.0.4", "127.0.0.1");
  const answer = await loopbackHttp({ resolve }).request({ method: "POST", url: `http://a.test:${receiver.port}/` });
  expect(answer).toMatchObject({ ok: true });
});

test("once a receiver may have seen the request, no other one gets it", async () => {
  const { inside, outside } = await startBoth();
  const closing = await startReceiver((socket) => socket.destroy());
  const { resolve } = namesLeadTo("127.0.0.1", "127.0.0.2");
  const answer = await loopbackHttp({ resolve }).request({ method: "POST", url: `http://a.test:${closing.port}/` });
  expect(answer).toMatchObject({ ok: false, kind: "unreachable", mayHaveArrived: true });
  expect({ seen: closing.heads.length, outside: outside.reached, inside: inside.connections }).toEqual({
    seen: 1,
    outside: 0,
    inside: 0,
  });
});

const tls = (name: string): string => readFileSync(new URL(`../support/tls/${name}`, import.meta.url), "utf8");

/** HTTPS with a certificate for `localhost` and 127.0.0.1. */
async function startHttps() {
  const names: (string | false | null)[] = [];
  const sockets = new Set<Duplex>();
  const server = createHttpsServer({ cert: tls("certificate.pem"), key: tls("key.pem") }, (request, response) => {
    names.push((request.socket as TLSSocket).servername);
    response.end(request.headers.host);
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("tlsClientError", () => undefined);
  return { port: await listenOnLoopback(server, sockets), names };
}

test("by HTTPS the certificate must be trusted, and the name's; SNI tells the name", async () => {
  const { port, names } = await startHttps();
  const { resolve } = namesLeadTo("127.0.0.1");
  const allow = ["127.0.0.0/8", "::1"];
  const trusting = loopbackHttp({ trust: tls("certificate.pem"), resolve }, allow);
  const ask = (url: string, http = trusting) => http.request({ method: "GET", url });

  expect(await ask(`https://localhost:${port}/`)).toMatchObject({ ok: true, body: Buffer.from(`localhost:${port}`) });
  expect(await ask(`https://127.0.0.1:${port}/`)).toMatchObject({ ok: true });
  expect(names).toEqual(["localhost", false]);

  expect(await ask(`https://other.test:${port}/`)).toMatchObject({
    kind: "unreachable",
    because: "its certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)",
    mayHaveArrived: false,
  });
  expect(await ask(`https://localhost:${port}/`, loopbackHttp({ resolve }, allow))).toMatchObject({
    kind: "unreachable",
    because: "its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)",
    mayHaveArrived: false,
  });
  expect(names).toHaveLength(2);
});

test("certificates are checked whatever the environment says", async () => {
  const { port, names } = await startHttps();
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try {
    const answer = await loopbackHttp().request({ method: "GET", url: `https://127.0.0.1:${port}/` });
    expect(answer).toMatchObject({ ok: false, kind: "unreachable" });
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
  expect(names).toEqual([]);
});

test("HTTPS to somebody who speaks HTTP, and the other way round", async () => {
  const sockets = new Set<Socket>();
  const plain = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const plainPort = await listenOnLoopback(plain, sockets);
  const { port } = await startHttps();
  const http = loopbackHttp();
  expect(await http.request({ method: "GET", url: `https://127.0.0.1:${plainPort}/` })).toMatchObject({
    kind: "unreachable",
    mayHaveArrived: false,
  });
  expect(await http.request({ method: "GET", url: `http://127.0.0.1:${port}/` })).toMatchObject({ ok: false });
});

test("what may go out twice shares a connection; what may not has one of its own; names share none", async () => {
  const receiver = await startReceiver((socket) => socket.write(OK));
  const { resolve } = namesLeadTo("127.0.0.1");
  const http = loopbackHttp({ resolve });
  const ask = (method: "GET" | "POST", name: string, isRepeatable?: boolean) =>
    http.request({
      method,
      url: `http://${name}:${receiver.port}/`,
      ...(isRepeatable === undefined ? {} : { isRepeatable }),
    });

  for (let n = 0; n < 3; n += 1) expect(await ask("GET", "a.test")).toMatchObject({ ok: true });
  expect(receiver.connections).toBe(1);
  expect(await ask("POST", "a.test")).toMatchObject({ ok: true });
  expect(receiver.connections).toBe(2);
  expect(await ask("POST", "a.test", true)).toMatchObject({ ok: true });
  expect(receiver.connections).toBe(2);
  expect(await ask("GET", "b.test")).toMatchObject({ ok: true });
  expect(receiver.connections).toBe(3);
});

/** A receiver that keeps its connections, and closes one when the second request has come. */
const startBreakingOff = () =>
  startReceiver((socket, _, nth) => {
    if (nth === 2) socket.destroy();
    else socket.write(OK);
  });

test("a kept connection that the receiver has closed meanwhile costs nothing but another one", async () => {
  const receiver = await startBreakingOff();
  const http = loopbackHttp();
  expect(await http.request({ method: "GET", url: receiver.url })).toMatchObject({ ok: true });
  expect(await http.request({ method: "GET", url: receiver.url })).toMatchObject({ ok: true });
  expect({ connections: receiver.connections, seen: receiver.heads.length }).toEqual({ connections: 2, seen: 3 });
});

test("what has been seen over a kept connection may have arrived, however the one after it ends", async () => {
  const receiver = await startBreakingOff();
  const http = loopbackHttp();
  expect(await http.request({ method: "GET", url: receiver.url })).toMatchObject({ ok: true });
  let asked = 0;
  const giveUp = new AbortController();
  const beforeSend = async (): Promise<void> => {
    asked += 1;
    if (asked < 2) return;
    giveUp.abort();
    await new Promise(() => {});
  };
  const answer = await http.request({ method: "GET", url: receiver.url, beforeSend, signal: giveUp.signal });
  expect(answer).toMatchObject({ ok: false, kind: "stopped", mayHaveArrived: true });
  expect({ asked, seen: receiver.heads.length }).toEqual({ asked: 2, seen: 2 });
});

test("and no other address gets it, though nobody is at its own any more", async () => {
  const receiver = createServer((socket) => {
    let seen = 0;
    socket.on("data", () => {
      seen += 1;
      if (seen === 1) return void socket.write(OK);
      receiver.close();
      socket.destroy();
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const { port } = receiver.address() as AddressInfo;
  let connections = 0;
  const other = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  other.listen(port, "127.0.0.2");
  await once(other, "listening");
  onTestFinished(() => {
    receiver.close();
    other.close();
  });
  const { resolve } = namesLeadTo("127.0.0.1", "127.0.0.2");
  const request = { method: "GET", url: `http://a.test:${port}/` } as const;
  const http = loopbackHttp({ resolve });
  expect(await http.request(request)).toMatchObject({ ok: true });
  expect(await http.request(request)).toMatchObject({ ok: false, kind: "unreachable", mayHaveArrived: true });
  expect(connections).toBe(0);
});

test("what a receiver sends unasked is not taken for the next answer", async () => {
  const receiver = await startReceiver((socket) =>
    socket.write(`${OK}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`),
  );
  const http = loopbackHttp();
  for (let n = 0; n < 3; n += 1) {
    expect(await http.request({ method: "GET", url: receiver.url })).toMatchObject({ body: Buffer.from("ok") });
  }
});

test("closing ends the connections that were kept", async () => {
  const receiver = await startReceiver((socket) => socket.write(OK));
  const http = loopbackHttp();
  await http.request({ method: "GET", url: receiver.url });
  expect(receiver.open()).toBe(1);
  http.close();
  await receiver.isLeft();
});
