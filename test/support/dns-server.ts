import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { onTestFinished } from "vitest";

/** A name server on loopback, until the test ends. */
export interface DnsServer {
  /** For `dnsResolver`. */
  address: string;
  /** The names that were asked for so far, with their types, as in `a.test A`. */
  asked: string[];
}

const TYPES: Record<number, 4 | 6> = { 1: 4, 28: 6 };
const HEAD_BYTES = 12;
const NAME_IS_THE_QUESTIONS = 0xc00c;
const NO_SUCH_NAME = 3;

/** `addressesOf` says what a name is at this moment; null: no such name; "silence": no answer. */
export async function startDnsServer(
  addressesOf: (name: string) => readonly string[] | null | "silence",
): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query: Buffer, from: RemoteInfo) => {
    const { name, type, end } = readQuestion(query);
    const family = TYPES[type];
    asked.push(`${name} ${family === 4 ? "A" : "AAAA"}`);
    const addresses = addressesOf(name);
    if (addresses === "silence") return;
    const answers = (addresses ?? []).filter((address) => isIP(address) === family).map((it) => record(it, type));
    const head = Buffer.alloc(HEAD_BYTES);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (addresses === null ? NO_SUCH_NAME : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([head, query.subarray(HEAD_BYTES, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEAD_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** An answer (RFC 1035 §4.1.3) that is good for no time at all. */
function record(address: string, type: number): Buffer {
  const bytes = Buffer.from(ipaddr.parse(address).toByteArray());
  const head = Buffer.alloc(12);
  head.writeUInt16BE(NAME_IS_THE_QUESTIONS, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}
