import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { readAnswer, startApi, wish } from "../support/api.ts";
import { freshDatabase } from "../support/database.ts";
import { outlast, until } from "../support/wait.ts";

const TEN_MEGABYTES = JSON.stringify(wish({ message: "x".repeat(10_000_000) }));

test.each([
  ["too large", 413, "POST", "/reminders/", "application/json"],
  ["of a type that isn't read", 415, "POST", "/reminders/", "text/plain"],
])("whoever sends a body %s hears so, each time, and not of a broken connection: %i", async (_what, status, ...how) => {
  const [method, path, type] = how;
  const api = await startApi(await freshDatabase());
  for (let time = 0; time < 10; time += 1) {
    const headers = { "content-type": type };
    const response = await fetch(api.url + path, { method, body: TEN_MEGABYTES, headers });
    expect((await readAnswer(response)).status).toBe(status);
  }
});

test("so does one who looks for an answer only when all is written", async () => {
  const api = await startApi(await freshDatabase());
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname).pause();
  const head = ["POST /reminders/ HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
  socket.write(`${[...head, `Content-Length: ${TEN_MEGABYTES.length}`].join("\r\n")}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.write(TEN_MEGABYTES, () => resolve());
  });
  const [answer] = (await once(socket.resume(), "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
  socket.destroy();
});

test("so does one who doesn't say how much is to come", async () => {
  const api = await startApi(await freshDatabase());
  const body = new Blob([TEN_MEGABYTES]).stream();
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${api.url}/reminders/`, {
    method: "POST",
    body,
    headers,
    duplex: "half",
  } as RequestInit);
  expect((await readAnswer(response)).status).toBe(413);
});

test("a body that never comes is not waited for, nor is one without end", async () => {
  const api = await startApi(await freshDatabase());
  const headers = { "content-type": "application/json", "content-length": "100000000" };
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(`${api.url}/reminders/`, { method: "POST", headers }, (response) => {
      resolve(response.statusCode);
      sent.destroy();
    });
    sent.on("error", reject).flushHeaders();
  });
  expect(status).toBe(413);

  const written = await new Promise<number>((resolve) => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    const head = ["POST /reminders/ HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
    socket.write(`${[...head, "Content-Length: 1000000000"].join("\r\n")}\r\n\r\n`);
    const more = Buffer.alloc(1_000_000, "x");
    const write = (): void => void (socket.writable && socket.write(more, write));
    socket.on("error", () => {}).on("close", () => resolve(socket.bytesWritten));
    socket.resume();
    write();
  });
  expect(written).toBeLessThan(500_000_000);
});

test.each([
  ["where nothing is", "POST /nothing", 404],
  ["where the method isn't possible", "POST /flags", 405],
])("a body is not waited for %s", async (_where, what, status) => {
  const api = await startApi(await freshDatabase());
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(
    `${what} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

test("a tenant sends four at once; one beyond waits unread until another is over or given up, and small ones don't wait", async () => {
  const api = await startApi(await freshDatabase());
  const { hostname, port } = new URL(api.url);
  const items = Array.from({ length: 200 }, (_, index) =>
    wish({ entity_id: String(index), message: "x".repeat(8_000) }),
  );
  const body = JSON.stringify({ reminders: items });
  const begin = async () => {
    const sending = request({
      ...{ hostname, port, method: "POST", path: "/reminders/bulk", agent: false },
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    });
    sending.on("error", () => {});
    await new Promise((resolve) => sending.write(body.slice(0, 1_000), resolve));
    const answered = once(sending, "response").then(([{ statusCode }]) => statusCode as number);
    answered.catch(() => {});
    return { sending, answered };
  };
  const slow = await Promise.all([begin(), begin(), begin(), begin()]);
  // What has come before this has been let in when it is answered.
  expect((await api.call("GET", "/flags")).status).toBe(200);

  const fifth = await begin();
  fifth.sending.end(body.slice(1_000));
  let isAnswered = false;
  void fifth.answered.then(() => {
    isAnswered = true;
  });
  expect((await api.call("POST", "/reminders/bulk", { reminders: [wish({ entity_id: "small" })] })).status).toBe(200);
  expect(isAnswered).toBe(false);

  slow[0]?.sending.destroy();
  expect(await fifth.answered).toBe(200);
  for (const { sending, answered } of slow.slice(1)) {
    sending.end(body.slice(1_000));
    expect(await answered).toBe(200);
  }
});

test("who hasn't shown anything sends no more at once, by their address", async () => {
  const api = await startApi(await freshDatabase());
  const { hostname, port } = new URL(api.url);
  const sockets = Array.from({ length: 65 }, () => {
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    const head = `POST /inbound/slack HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/x-www-form-urlencoded`;
    socket.write(`${head}\r\nContent-Length: 100000\r\n\r\n${"x".repeat(99_999)}`);
    return socket;
  });
  // Of none a byte is left out but the last, and nothing is said of it before that is there: only of the one that waits.
  const [answer] = (await Promise.race(sockets.map((socket) => once(socket, "data")))) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 503 /);
}, 60_000);

test("of ordinary bodies a tenant sends sixty-four at once, however slowly they come; small ones don't wait", async () => {
  const api = await startApi(await freshDatabase());
  const { hostname, port } = new URL(api.url);
  const [body, rest] = [JSON.stringify(wish({ message: "x".repeat(9_000) })), " ".repeat(60_000)];
  const begin = async (): Promise<Socket> => {
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {});
    const head = `POST /reminders/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n`;
    await new Promise((written) =>
      socket.write(`${head}Content-Length: ${body.length + rest.length}\r\n\r\n${body}`, written),
    );
    return socket;
  };
  const slow = await Promise.all(Array.from({ length: 64 }, begin));
  // What has come before this has been let in when it is answered.
  expect((await api.call("GET", "/flags")).status).toBe(200);

  const next = await begin();
  next.write(rest);
  let heard = "";
  next.on("data", (chunk) => {
    heard += chunk;
  });
  await api.create({ entity_id: "small" });
  await outlast();
  expect(heard).toBe("");
  slow[0]?.destroy();
  await until(async () => heard.startsWith("HTTP/1.1 201"), "it has its place");
});

/** Asks on a connection of its own, and reads nothing of the answer until told. */
function askUnread(url: string, head: string, body = ""): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).pause();
  socket.on("error", () => {});
  socket.write(`${head} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n`);
  socket.write(body === "" ? "\r\n" : `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  onTestFinished(() => void socket.destroy());
  return socket;
}

const BIG = JSON.stringify({
  reminders: Array.from({ length: 1_000 }, (_, n) => wish({ entity_id: `big ${n}`, message: "x".repeat(8_000) })),
});

test("a large body keeps its place until its answer has been read, and while it is worked on, though nobody waits for it", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const created = async () => Number((await database.query("select count(*) from reminder_jobs"))[0]?.count);
  const unread = [1, 2, 3, 4].map(() => askUnread(api.url, "POST /reminders/bulk", BIG));
  await until(async () => (await created()) === 1_000, "they are made");
  // The others find them, and all answers are too long for what lies on the way.
  const fifth = await api.call("POST", "/reminders/bulk", JSON.parse(BIG));
  expect(fifth.status).toBe(503);
  unread[0]?.resume();
  expect((await api.call("POST", "/reminders/bulk", JSON.parse(BIG))).status).toBe(200);
}, 60_000);

test("who breaks off once all is sent keeps the place for as long as it is worked on", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  const items = (from: number) =>
    JSON.stringify({
      reminders: Array.from({ length: 200 }, (_, n) => wish({ entity_id: `${from} ${n}`, message: "x".repeat(8_000) })),
    });
  const waitingForLock = async (): Promise<number> =>
    Number(
      (
        await database.query(
          "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
      )[0]?.count,
    );
  let most = 0;
  await database.transaction(async (sql) => {
    await sql.query("lock table reminder_jobs in access exclusive mode");
    const sockets = [1, 2, 3, 4].map((n) => askUnread(api.url, "POST /reminders/bulk", items(n)));
    await until(async () => (await waitingForLock()) >= 4, "four are worked on");
    for (const socket of sockets) socket.destroy();
    const more = [5, 6, 7, 8].map((n) => askUnread(api.url, "POST /reminders/bulk", items(n)));
    await outlast();
    most = await waitingForLock();
    for (const socket of more) socket.destroy();
  });
  expect(most).toBe(4);
}, 60_000);

test("of a tenant's answers that nobody reads, so much is kept and no more; others', and what is read, aren't concerned", async () => {
  const database = await freshDatabase();
  const api = await startApi(database);
  await database.query(
    `insert into reminder_jobs (entity_type, entity_id, event_type, channel, schedule_type, interval_minutes, data)
     select 'a', n::text, 'b', 'sink', 'recurring', 60, jsonb_build_object('x', repeat('x', 60000))
       from generate_series(1, 1000) n`,
  );
  const unread = [1, 2, 3].map(() => askUnread(api.url, "GET /reminders/?limit=1000"));
  await until(async () => (await api.call("GET", "/reminders/?limit=1000")).status === 503, "it is refused");
  expect((await api.call("GET", "/reminders/?limit=1")).status).toBe(200);
  for (const socket of unread) socket.destroy();
  await until(async () => (await api.call("GET", "/reminders/?limit=1000")).status === 200, "it is answered again");
}, 60_000);

test("a body that isn't there, or says that it is too large, waits for no place", async () => {
  const api = await startApi(await freshDatabase());
  const body = JSON.stringify({ reminders: [wish({ message: "x".repeat(1_100_000) })] });
  const slow = [1, 2, 3, 4].map(() => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write(`POST /reminders/bulk HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\n`);
    socket.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, 1_000)}`);
    return socket;
  });
  await Promise.all(slow.map((socket) => once(socket, "connect")));
  expect((await api.call("GET", "/flags")).status).toBe(200);
  expect((await fetch(`${api.url}/reminders/bulk`, { method: "POST" })).status).toBe(422);
  const huge = "x".repeat(11 * 1024 * 1024);
  const headers = { "content-type": "application/json" };
  expect((await fetch(`${api.url}/reminders/bulk`, { method: "POST", headers, body: huge })).status).toBe(413);
});

test("who breaks off while others of the same connection are answered keeps no place", async () => {
  const api = await startApi(await freshDatabase());
  const { hostname, port } = new URL(api.url);
  const host = `Host: ${hostname}:${port}`;
  const items = Array.from({ length: 200 }, (_, index) => wish({ entity_id: `first ${index}` }));
  const first = JSON.stringify({ reminders: items });
  const head = ["POST /reminders/bulk HTTP/1.1", host, "Content-Type: application/json"];
  for (let time = 0; time < 6; time += 1) {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    // The second is read and waits behind the first, which is still at work when the connection breaks.
    const slow = `${[...head, `Content-Length: ${first.length}`].join("\r\n")}\r\n\r\n${first}`;
    const queued = `${[...head, "Transfer-Encoding: chunked"].join("\r\n")}\r\n\r\n2\r\n{}\r\n`;
    await new Promise((resolve) => socket.write(slow + queued, resolve));
    expect((await api.call("GET", "/flags")).status).toBe(200);
    socket.destroy();
  }
  const message = "x".repeat(8_000);
  const reminders = Array.from({ length: 200 }, (_, index) => wish({ entity_id: String(index), message }));
  expect((await api.call("POST", "/reminders/bulk", { reminders })).status).toBe(200);
});
