import pg from "pg";
import { type ApiProcess, startApiProcess } from "./support/api-process.ts";
import { insertArrays, insertListed, type NewRow } from "./support/bare-insert.ts";
import { type HttpConnection, openHttp } from "./support/http-load.ts";
import { type Figure, median, type Scenario } from "./support/scenario.ts";

const ROUNDS = 5;
const SINGLES = { batches: 10_000, size: 1, connections: 32 };
const BULKS = { batches: 40, size: 1_000, connections: 1 };

/**
 * Creates a reminder by each request, over 32 connections, and 1,000 by each, over one; against bare SQL inserts from the
 * same client. The API is a process of its own, so client, API and database share the cores where bare SQL has two of them.
 */
export const create: Scenario = {
  name: "create",
  run: async (stage) => {
    const { url } = await stage.fresh(1);
    const api = await startApiProcess(url);
    try {
      return [
        ...(await compare(url, api, SINGLES, [insertListed], "one by one over 32 connections")),
        ...(await compare(url, api, BULKS, [insertListed, insertArrays], "1,000 at a time")),
      ];
    } finally {
      await api.stop();
    }
  },
};

interface Load {
  batches: number;
  /** Reminders in each. */
  size: number;
  connections: number;
}

/** Sends a batch of new reminders, all of which must be created. */
type Send = (rows: NewRow[]) => Promise<void>;
type Insert = (client: pg.Client, rows: NewRow[]) => Promise<void>;

const NAMES = new Map<Insert, string>([
  [insertListed, "bare insert"],
  [insertArrays, "bare insert of arrays"],
]);

async function compare(url: string, api: ApiProcess, load: Load, inserts: Insert[], what: string): Promise<Figure[]> {
  const clients = await Promise.all(Array.from({ length: load.connections }, () => openSql(url)));
  const sockets = await Promise.all(clients.map(() => openHttp(api)));
  const ways = [
    ...inserts.map((insert) =>
      clients.map(
        (client): Send =>
          (rows) =>
            insert(client, rows),
      ),
    ),
    sockets.map(
      (socket): Send =>
        (rows) =>
          post(socket, rows),
    ),
  ];
  const rates = ways.map((): number[] => []);
  try {
    // In the first round the code isn't compiled yet.
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [index, way] of ways.entries()) {
        const measured = await rate(way, load);
        if (round > 0) rates[index]?.push(measured);
      }
    }
  } finally {
    for (const socket of sockets) socket.close();
    await Promise.all(clients.map((client) => client.end()));
  }
  const byApi = rates.pop() as number[];
  return inserts.flatMap((insert, index): Figure[] => {
    const bare = rates[index] as number[];
    const against = NAMES.get(insert) as string;
    const ratio = median(byApi.map((rate, round) => rate / (bare[round] as number)));
    return [
      { what: `created ${what}, ${against}`, value: median(bare), unit: "/s" },
      { what: `created ${what}, over HTTP`, value: median(byApi), unit: "/s", ratio, against },
    ];
  });
}

async function openSql(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

async function post(socket: HttpConnection, rows: NewRow[]): Promise<void> {
  const [path, status, body] =
    rows.length === 1 ? ["/reminders/", 201, rows[0]] : ["/reminders/bulk", 200, { reminders: rows }];
  const answer = await socket.post(path as string, JSON.stringify(body));
  if (answer !== status) throw new Error(`${path} was answered with ${answer}`);
}

let counter = 0;

/** Reminders created per second, each connection sending its next batch as soon as the last one is answered. */
async function rate(connections: Send[], { batches, size }: Load): Promise<number> {
  let left = batches;
  const startedAt = performance.now();
  const work = async (send: Send): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await send(Array.from({ length: size }, newRow));
    }
  };
  await Promise.all(connections.map(work));
  return (batches * size) / ((performance.now() - startedAt) / 1000);
}

function newRow(): NewRow {
  counter += 1;
  return {
    entity_type: "invoice",
    entity_id: String(counter),
    event_type: "payment",
    channel: "email",
    recipient: "someone@example.org",
    schedule_type: "recurring",
    interval_minutes: 600,
    stop_condition_type: "db_check",
    stop_condition_value: "paid:{entity_type}:{entity_id}",
  };
}
