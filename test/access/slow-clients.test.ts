import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { startApi } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";

test.each([["head", "GET /flags HTTP/1.1\r\nHost: localhost\r\n", "X: 1\r\n"]])(
  "a request whose %s comes in drops is ended, and holds its connection no longer",
  async (_part, beginning, drop) => {
    const api = await startApi(await freshDatabase());
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", () => {});
    socket.write(beginning);
    const dripping = setInterval(() => socket.write(drop), 500);
    await once(socket, "close");
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain("the request did not arrive in time");
  },
);
