import { createDecipheriv, createECDH, createHmac, type ECDH, randomBytes } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { importJWK, type JWTPayload, jwtVerify } from "jose";
import { deviceId, type KnownDevice } from "../../src/channels/push/device.ts";
import { listenOnLoopback } from "./loopback.ts";

/** A device of a person, with the keys that only it has. */
export interface TestDevice extends KnownDevice {
  curve: ECDH;
  /** As a browser would say it. */
  json: { endpoint: string; expirationTime: null; keys: { p256dh: string; auth: string } };
}

/** A message as the push service got it, and as the device read it. */
export interface Pushed {
  endpoint: string;
  headers: IncomingHttpHeaders;
  bytes: number;
  token: JWTPayload;
  publicKey: string;
  /** The payload, which the service itself couldn't read. */
  read: Record<string, unknown>;
}

export interface PushService {
  url: string;
  /** Messages that were right, whatever they were answered with. */
  pushed: Pushed[];
  /** What was wrong with others, by the RFCs. */
  wrong: string[];
  /** A device that has subscribed here. */
  device(): TestDevice;
  /** How it answers a message to a device; 201 until told otherwise. */
  behave: (response: ServerResponse, pushed: Pushed) => void;
}

/** A push service on loopback that insists on what RFC 8030, 8188, 8291 and 8292 say, by another implementation than ours. */
export async function startPushService(): Promise<PushService> {
  const devices = new Map<string, TestDevice>();
  const sockets = new Set<Socket>();
  const service: PushService = {
    ...{ url: "", pushed: [], wrong: [], behave: (response) => void response.writeHead(201).end() },
    device: () => {
      const path = `/send/${randomBytes(24).toString("base64url")}`;
      const device = newDevice(`${service.url}${path}`);
      devices.set(path, device);
      return device;
    },
  };
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    try {
      const device = devices.get(request.url ?? "");
      if (!device) throw new Error("nobody has subscribed there");
      const pushed = await readPush(device, service.url, request.headers, body);
      service.pushed.push(pushed);
      service.behave(response, pushed);
    } catch (error) {
      service.wrong.push(String(error));
      response.writeHead(400).end();
    }
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  service.url = `http://127.0.0.1:${await listenOnLoopback(server, sockets)}`;
  return service;
}

export function newDevice(endpoint: string): TestDevice {
  const curve = createECDH("prime256v1");
  const [p256dh, auth] = [curve.generateKeys(), randomBytes(16)];
  const keys = { p256dh: p256dh.toString("base64url"), auth: auth.toString("base64url") };
  return { id: deviceId(endpoint), endpoint, p256dh, auth, curve, json: { endpoint, expirationTime: null, keys } };
}

async function readPush(
  device: TestDevice,
  audience: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<Pushed> {
  must(/^\d+$/.test(String(headers.ttl)), "TTL is a number (RFC 8030 §5.2)");
  must(/^(very-low|low|normal|high)$/.test(String(headers.urgency)), "Urgency is one of four (RFC 8030 §5.3)");
  must(/^[\w-]{1,32}$/.test(String(headers.topic)), "Topic is up to 32 of base64url (RFC 8030 §5.4)");
  must(headers["content-encoding"] === "aes128gcm", "the content is encoded as RFC 8291 has it");
  must(body.length <= 4_096, "no more than 4,096 bytes (RFC 8030 §7.2)");
  const [, jwt, publicKey] = /^vapid t=([^,]+), ?k=([\w-]+)$/.exec(headers.authorization ?? "") ?? [];
  must(jwt !== undefined && publicKey !== undefined, "Authorization is as RFC 8292 §3 has it");
  const point = Buffer.from(publicKey as string, "base64url");
  const [x, y] = [point.subarray(1, 33).toString("base64url"), point.subarray(33).toString("base64url")];
  const key = await importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
  const { payload: token } = await jwtVerify(jwt as string, key, { audience, algorithms: ["ES256"] });
  must((token.exp ?? 0) - Date.now() / 1_000 <= 86_400, "a token is good for a day at most (RFC 8292 §2)");
  must(/^(mailto:|https:)/.test(token.sub ?? ""), "who sends says where they are reached (RFC 8292 §2.1)");
  const plain = decrypt(body, device);
  const read = JSON.parse(plain.toString()) as Pushed["read"];
  return { endpoint: device.endpoint, headers, bytes: plain.length, token, publicKey: publicKey as string, read };
}

function must(isSo: boolean, rule: string): void {
  if (!isSo) throw new Error(`against the rule: ${rule}`);
}

/** One record of RFC 8188, with the keys of RFC 8291 §3. */
export function decrypt(body: Buffer, { curve, auth }: Pick<TestDevice, "curve" | "auth">): Buffer {
  const [salt, recordSize, idLength] = [body.subarray(0, 16), body.readUInt32BE(16), body[20] as number];
  const senderKey = body.subarray(21, 21 + idLength);
  const record = body.subarray(21 + idLength);
  must(record.length <= recordSize, "there is one record (RFC 8291 §4)");
  const keyInfo = Buffer.concat([Buffer.from("WebPush: info\0"), curve.getPublicKey(), senderKey]);
  const ikm = expand(hmac(auth, curve.computeSecret(senderKey)), keyInfo, 32);
  const prk = hmac(salt, ikm);
  const key = expand(prk, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = expand(prk, Buffer.from("Content-Encoding: nonce\0"), 12);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(record.subarray(-16));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  const end = padded.findLastIndex((byte) => byte !== 0);
  must(padded[end] === 2, "the last record ends with 2 (RFC 8188 §2)");
  return padded.subarray(0, end);
}

function hmac(key: Buffer, ...parts: Buffer[]): Buffer {
  return createHmac("sha256", key).update(Buffer.concat(parts)).digest();
}

/** HKDF's second step (RFC 5869 §2.3), for up to 32 bytes. */
function expand(prk: Buffer, info: Buffer, length: number): Buffer {
  return hmac(prk, info, Buffer.from([1])).subarray(0, length);
}
