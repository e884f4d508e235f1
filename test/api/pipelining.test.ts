import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

/** Everything that the server says to these bytes until it ends the connection. */
async function answersTo(url: string, bytes: string): Promise<string[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk;
  });
  socket.write(bytes);
  await once(socket, "close");
  return said.match(/HTTP\/1\.1 \d+/g) ?? [];
}

function post(body: unknown): string {
  const json = JSON.stringify(body);
  const head = ["POST /reminders/ HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
  return `${[...head, `Content-Length: ${Buffer.byteLength(json)}`].join("\r\n")}\r\n\r\n${json}`;
}

test("garbage after requests is not taken for their answer: they get theirs, and then the connection ends", async () => {
  const api = await startApi(await freshDatabase());
  expect(await answersTo(api.url, `${post(wish())}GARBAGE\r\n\r\nMORE\r\n\r\n`)).toEqual(["HTTP/1.1 201"]);
  const two = post(wish()) + post(wish());
  expect(await answersTo(api.url, `${two}GARBAGE\r\n\r\n`)).toEqual(["HTTP/1.1 201", "HTTP/1.1 201"]);
  expect(await api.list()).toHaveLength(3);
});

test("a request whose body breaks off in garbage is refused, and one before it is answered", async () => {
  const api = await startApi(await freshDatabase());
  const broken = post(wish())
    .replace(/Content-Length: \d+/, "Transfer-Encoding: chunked")
    .replace("\r\n\r\n", "\r\n\r\nzz\r\n");
  expect(await answersTo(api.url, broken)).toEqual(["HTTP/1.1 400"]);
  expect(await answersTo(api.url, post(wish()) + broken)).toEqual(["HTTP/1.1 201"]);
  expect(await api.list()).toHaveLength(1);
});

test("what is coded in another way than in chunks is refused, since we would take it for the body itself", async () => {
  const api = await startApi(await freshDatabase());
  for (const coding of ["gzip, chunked", "chunked, chunked", "deflate,chunked"]) {
    const body = wish();
    const json = JSON.stringify(body);
    const coded = post(body)
      .replace(/Content-Length: \d+/, `Transfer-Encoding: ${coding}`)
      .replace(json, `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`);
    expect(await answersTo(api.url, coded), coding).toEqual(["HTTP/1.1 400"]);
  }
  expect(await api.list()).toEqual([]);
});

test("chunks by HTTP/1.0, which knows none, are refused, and the connection ends", async () => {
  const api = await startApi(await freshDatabase());
  const body = wish();
  const json = JSON.stringify(body);
  const chunked = post(body)
    .replace("HTTP/1.1", "HTTP/1.0")
    .replace(/Content-Length: \d+/, "Connection: keep-alive\r\nTransfer-Encoding: chunked")
    .replace(json, `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`);
  expect(await answersTo(api.url, chunked + post(wish()))).toEqual(["HTTP/1.1 400"]);
  expect(await api.list()).toEqual([]);
});
