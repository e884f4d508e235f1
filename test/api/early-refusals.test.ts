import { connect } from "node:net";
import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

// What is refused before there is a request to handle is refused like everything else.

async function bytes(url: string, text: string): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    answer += chunk;
  });
  socket.end(text.replace("HOST", host));
  await new Promise((resolve) => socket.once("close", resolve));
  return answer;
}

const LONG = `X-Long: ${"x".repeat(20_000)}\r\n`;

test.each([
  ["a head that is too long", `GET /healthz HTTP/1.1\r\nHost: HOST\r\n${LONG}\r\n`, 431],
  ["an expectation", "GET /healthz HTTP/1.1\r\nHost: HOST\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n", 417],
  ["garbage", "GARBAGE\r\n\r\n", 400],
])("no browser takes the refusal of %s for a page", async (_, request, status) => {
  const api = await startApi(await freshDatabase());
  const answer = await bytes(api.url, request);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im);
  expect(answer).toMatch(/^content-security-policy: default-src 'none'/im);
  expect(answer).toMatch(new RegExp(`"status":${status}`));
});

test("who asks for the head alone gets no body, which would be taken for another answer", async () => {
  const api = await startApi(await freshDatabase());
  const answer = await bytes(api.url, `HEAD /healthz HTTP/1.1\r\nHost: HOST\r\n${LONG}\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 431 /);
  expect(answer).toMatch(/\r\n\r\n$/);
});

test("a body nested without end is refused, with a key and without", async () => {
  const api = await startApi(await freshDatabase());
  const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
  for (const headers of [{}, { "idempotency-key": "k" }]) {
    const response = await fetch(`${api.url}/reminders/bulk`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: `{"reminders":[${deep}]}`,
    });
    expect(response.status).toBe(422);
  }
});
