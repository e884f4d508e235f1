import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { until } from "../support/wait.ts";
import { countConnections } from "./packets.ts";
import { loopbackHttp, pour, type Receiver, startAnswering, startReceiver } from "./receiver.ts";

const get = (receiver: Receiver, more: object = {}) =>
  loopbackHttp().request({ method: "GET", url: `${receiver.url}/a?b=c`, ...more });
const MEBIBYTE = 1024 * 1024;

test("an answer has status, headers and body", async () => {
  const receiver = await startAnswering(
    "HTTP/1.1 418 Teapot\r\nX-A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nshort and stout",
  );
  expect(await get(receiver)).toEqual({
    ok: true,
    status: 418,
    headers: { "x-a": "1", "set-cookie": "a, b" },
    body: Buffer.from("short and stout"),
    isWhole: true,
  });
  expect(receiver.heads[0]).toMatch(/^GET \/a\?b=c HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n/);
});

test("what is sent is what was wanted, with a length and no cookies", async () => {
  const receiver = await startReceiver((socket, head) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${head}`));
  const answer = await loopbackHttp().request({
    method: "POST",
    url: receiver.url,
    headers: { "Content-Type": "application/json", "User-Agent": "mine" },
    body: '{"ä":1}',
  });
  expect(answer.ok && answer.body.toString().split("\r\n").slice(1)).toEqual([
    `host: 127.0.0.1:${receiver.port}`,
    "user-agent: mine",
    "accept-encoding: gzip, br",
    "content-type: application/json",
    "content-length: 8",
    "Connection: close",
  ]);
});

test.each([301, 302, 303, 307, 308])(
  "a redirect to the inside (%i) is the answer, and is not followed",
  async (status) => {
    const inside = await startAnswering("HTTP/1.1 200 OK\r\n\r\ninside");
    const outside = await startAnswering(
      `HTTP/1.1 ${status} Go\r\nlocation: ${inside.url}/\r\ncontent-length: 0\r\n\r\n`,
    );
    const connections = countConnections();
    expect(await get(outside)).toMatchObject({ ok: true, status, headers: { location: `${inside.url}/` } });
    expect({ ...connections, inside: inside.connections }).toEqual({ begun: 1, inside: 0 });
  },
);

test("proxies in the environment are not used", async () => {
  const proxy = await startAnswering("HTTP/1.1 200 OK\r\n\r\nproxy");
  const receiver = await startAnswering("HTTP/1.1 200 OK\r\n\r\nreceiver");
  const names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NODE_USE_ENV_PROXY"];
  for (const name of names) process.env[name] = name.startsWith("NODE") ? "1" : proxy.url;
  try {
    expect(await get(receiver)).toMatchObject({ body: Buffer.from("receiver") });
  } finally {
    for (const name of names) delete process.env[name];
  }
  expect(proxy.connections).toBe(0);
});

describe("compressed bodies", () => {
  const text = Buffer.from("the invoice is paid, ".repeat(100));
  test.each([
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["GZIP", Buffer.concat([gzipSync(text.subarray(0, 50)), gzipSync(text.subarray(50))])],
    ["br", brotliCompressSync(text)],
    ["deflate", deflateSync(text)],
    ["identity", text],
  ])("%s is read", async (encoding, body) => {
    const receiver = await startAnswering(`HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\n\r\n`, body);
    expect(await get(receiver)).toMatchObject({ ok: true, body: text });
  });

  const zeros = Buffer.alloc(64 * MEBIBYTE);
  test.each([
    ["gzip", gzipSync(zeros)],
    ["br", brotliCompressSync(zeros)],
    ["deflate", deflateSync(zeros)],
    ["gzip", Buffer.concat(Array.from({ length: 20_000 }, () => gzipSync("")))],
    ["gzip", Buffer.concat(Array.from({ length: 64 }, () => gzipSync(zeros.subarray(0, MEBIBYTE))))],
  ])("a bomb of %s is put out at the limit", async (encoding, bomb) => {
    const receiver = await startAnswering(`HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\n\r\n`, bomb);
    const memory = process.memoryUsage().arrayBuffers;
    const answer = await get(receiver, { maxResponseBytes: 100_000 });
    expect(answer).toEqual({
      ok: false,
      kind: "too_much",
      because: "it answered with more than 100000 bytes",
      mayHaveArrived: true,
    });
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(16 * MEBIBYTE);
  });

  test.each([
    ["gzip", text],
    ["gzip", gzipSync(text).subarray(0, 40)],
    ["br", Buffer.from("nonsense".repeat(50))],
    ["deflate", text],
    ["gzip, gzip", gzipSync(gzipSync(text))],
    ["gzip, identity", gzipSync(text)],
    ["zstd", text],
    ["constructor", text],
  ])("what isn't compressed as it says (%s) is unreadable", async (encoding, body) => {
    const receiver = await startAnswering(`HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\n\r\n`, body);
    expect(await get(receiver)).toMatchObject({ ok: false, kind: "unreadable", mayHaveArrived: true });
    expect(await get(receiver, { need: "status" })).toMatchObject({ ok: true, status: 200, isWhole: false });
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 500\r\n\r\n"],
    ["GET", "HTTP/1.1 204 None\r\ncontent-encoding: gzip\r\n\r\n"],
    ["GET", "HTTP/1.1 304 Same\r\ncontent-encoding: br\r\n\r\n"],
    ["GET", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n"],
    ["GET", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ] as const)("no body at all is none, whatever it is said to be compressed with: %s %j", async (method, answer) => {
    const receiver = await startAnswering(answer);
    expect(await get(receiver, { method })).toMatchObject({ ok: true, body: Buffer.alloc(0), isWhole: true });
  });
});

describe("too much", () => {
  const line = `x-${"a".repeat(500)}: ${"b".repeat(500)}\r\n`;
  test.each([
    ["headers", "HTTP/1.1 200 OK\r\n", line],
    ["one header", "HTTP/1.1 200 OK\r\nx: ", "a".repeat(1000)],
    ["a status line", "HTTP/1.1 200 ", "OK".repeat(500)],
    ["trailers", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", line],
    ["interim answers", "", "HTTP/1.1 103 Early Hints\r\n\r\n"],
    ["a body", "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(10_000)],
    ["a body that said it was short", "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n", "x".repeat(10_000)],
    ["chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "5\r\nhello\r\n".repeat(200)],
  ])("%s without an end are cut off", async (_, head, endless) => {
    const receiver = await startReceiver((socket) => {
      socket.write(head);
      pour(socket, endless);
    });
    expect(await get(receiver)).toMatchObject({ ok: false, kind: "too_much", mayHaveArrived: true });
    await receiver.isLeft();
  });

  test("extensions of chunks without an end are cut off", async () => {
    const receiver = await startReceiver((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;");
      pour(socket, "a".repeat(1_000));
    });
    expect(await get(receiver)).toMatchObject({ ok: false, mayHaveArrived: true });
    await receiver.isLeft();
  });

  test("where only the status is needed, it is cut at the limit to the byte", async () => {
    const receiver = await startReceiver((socket) => {
      socket.write("HTTP/1.1 500 Oops\r\n\r\n");
      pour(socket, "because ".repeat(1_000));
    });
    const answer = await get(receiver, { need: "status", maxResponseBytes: 12 });
    expect(answer).toMatchObject({ ok: true, status: 500, body: Buffer.from("because beca"), isWhole: false });
    await receiver.isLeft();
  });

  test("exactly as much as it may be is not too much", async () => {
    const receiver = await startAnswering("HTTP/1.1 200 OK\r\n\r\n", "x".repeat(1_000));
    expect(await get(receiver, { maxResponseBytes: 1_000 })).toMatchObject({ ok: true, isWhole: true });
    expect(await get(receiver, { maxResponseBytes: 999 })).toMatchObject({ ok: false, kind: "too_much" });
  });
});

describe("too slow", () => {
  const slowly = (head: string, drop: string | Buffer) =>
    startReceiver((socket) => {
      socket.write(head);
      const drip = setInterval(() => socket.write(drop), 20);
      socket.on("close", () => clearInterval(drip));
    });

  test.each([
    ["nothing", "", ""],
    ["a head", "HTTP/1.1 200 OK\r\n", "x: y\r\n"],
    ["a body", "HTTP/1.1 200 OK\r\n\r\n", "x"],
    ["a compressed body", "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", gzipSync("")],
    ["interim answers", "HTTP/1.1 102 Processing\r\n\r\n", ""],
  ])("%s, drop by drop, ends with the time", async (_, head, drop) => {
    const receiver = await slowly(head, drop);
    const answer = await get(receiver, { timeoutMs: 300 });
    expect(answer).toEqual({
      ok: false,
      kind: "timed_out",
      because: "it took longer than 0.3 s",
      mayHaveArrived: true,
    });
    await receiver.isLeft();
  });

  test("where only the status is needed, it counts when the body takes too long", async () => {
    const receiver = await slowly("HTTP/1.1 202 Accepted\r\n\r\n", "x");
    const answer = await get(receiver, { timeoutMs: 300, need: "status" });
    expect(answer).toMatchObject({ ok: true, status: 202, isWhole: false });
  });

  test.each(["status", "whole"] as const)("the caller may give it up at any time, needing the %s", async (need) => {
    const receiver = await slowly("HTTP/1.1 200 OK\r\n\r\n", "x");
    const stopping = new AbortController();
    const answering = get(receiver, { signal: stopping.signal, need });
    await until(() => receiver.heads.length === 1, "the request has come");
    stopping.abort();
    expect(await answering).toMatchObject({ ok: false, kind: "stopped", mayHaveArrived: true });
    await receiver.isLeft();
  });

  test("a request that is given up before it begins does nothing", async () => {
    const receiver = await startAnswering("HTTP/1.1 200 OK\r\n\r\n");
    const answer = await get(receiver, { signal: AbortSignal.abort() });
    expect(answer).toEqual({ ok: false, kind: "stopped", because: "it was given up", mayHaveArrived: false });
    expect(receiver.connections).toBe(0);
  });
});

test.each([
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "unreadable"],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "unreadable"],
  [
    "a length and chunks",
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "unreadable",
  ],
  ["bare line feeds", "HTTP/1.1 200 OK\nx: y\n\nhello", "unreadable"],
  ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", "unreadable"],
  ["nothing", "", "unreachable"],
  ["half a head", "HTTP/1.1 200 OK\r\nx: ", "unreachable"],
  ["half a body", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello", "unreachable"],
  ["half a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhello", "unreachable"],
])("%s is no answer", async (_, bytes, kind) => {
  const receiver = await startAnswering(bytes);
  expect(await get(receiver)).toMatchObject({ ok: false, kind, mayHaveArrived: true });
});

test("nobody listening is unreachable, and nothing can have arrived", async () => {
  const { port } = await startAnswering("");
  const closed = await loopbackHttp().request({ method: "GET", url: `http://127.0.0.2:${port}/` });
  expect(closed).toEqual({
    ok: false,
    kind: "unreachable",
    because: "it refused the connection",
    mayHaveArrived: false,
  });
});
