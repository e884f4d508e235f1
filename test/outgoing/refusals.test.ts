import { expect, test } from "vitest";
import { guardedHttp } from "../../src/outgoing/guarded-http.ts";
import { DEFAULT_OUTGOING, type OutgoingSettings } from "../../src/outgoing/settings.ts";
import { targetOf } from "../../src/outgoing/target.ts";
import { disguised, INSIDE_IPV4, INSIDE_IPV6, insideIpv6, NOT_FOR_US, sameIpv4 } from "./hostile-urls.ts";
import { countConnections, namesLeadTo, startInside } from "./packets.ts";

/** Only the rules about addresses stand between these and the inside. */
const anyPort: OutgoingSettings = { ...DEFAULT_OUTGOING, ports: [{ from: 1, to: 65_535 }] };

/** Asks for each, and expects a refusal of each and nothing on the wire. */
async function expectRefusals(urls: readonly string[], addresses: string[] = ["169.254.169.254"], settings = anyPort) {
  const connections = countConnections();
  const names = namesLeadTo(...addresses);
  const http = guardedHttp(settings, { resolve: names.resolve });
  const answers = await Promise.all(urls.map((url) => http.request({ method: "GET", url })));
  const wrong = urls.filter((_, at) => {
    const answer = answers[at];
    return !answer || answer.ok || answer.kind !== "refused" || answer.mayHaveArrived || answer.because === "";
  });
  expect(wrong).toEqual([]);
  expect(connections.begun).toBe(0);
  return { names, reasons: answers.map((answer) => (answer.ok ? "" : answer.because)) };
}

test("the count of connections counts: where the inside is allowed, it is reached", async () => {
  const inside = await startInside();
  const connections = countConnections();
  const http = guardedHttp({ ...anyPort, allow: ["127.0.0.0/8"] });
  const answer = await http.request({ method: "POST", url: `http://2130706433:${inside.port}/` });
  expect(answer).toMatchObject({ ok: true, status: 200, body: Buffer.from("inside") });
  expect({ ...connections, reached: inside.reached }).toEqual({ begun: 1, reached: 1 });
});

test("the inside in decimal, octal, hexadecimal, short, full-width and other digits is refused without a packet", async () => {
  const inside = await startInside();
  const urls = INSIDE_IPV4.flatMap((address) => sameIpv4(address).map((host) => `http://${host}:${inside.port}/`));
  expect(new Set(urls).size).toBeGreaterThanOrEqual(500);

  const { names, reasons } = await expectRefusals(urls);

  expect(inside.reached).toBe(0);
  // Each was seen for the address that it is: none was taken for a name, and none slipped out as something unreadable.
  expect(names.asked).toEqual([]);
  expect(reasons.filter((reason) => !reason.startsWith("its host is ") || reason.includes("name"))).toEqual([]);
});

test("what a URL's host becomes is the address itself, so that nobody reads it in another way later", () => {
  for (const address of INSIDE_IPV4) {
    const hosts = sameIpv4(address).map((host) => targetOf(`http://${host}/`, anyPort).host);
    expect(new Set(hosts)).toEqual(new Set([address]));
  }
});

test("IPv4 within IPv6 (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP) is refused without a packet", async () => {
  const inside = await startInside();
  const urls = INSIDE_IPV4.flatMap((address) => insideIpv6(address).map((host) => `http://${host}:${inside.port}/`));
  expect(new Set(urls).size).toBeGreaterThanOrEqual(200);
  const { names } = await expectRefusals(urls);
  expect({ reached: inside.reached, asked: names.asked }).toEqual({ reached: 0, asked: [] });
});

test("addresses of IPv6 that aren't public are refused without a packet", async () => {
  const { port } = await startInside();
  await expectRefusals(INSIDE_IPV6.flatMap((address) => [`http://[${address}]:${port}/`, `https://[${address}]/`]));
});

test("the inside behind user names, backslashes, missing slashes, tabs and fragments is refused without a packet", async () => {
  const inside = await startInside();
  const hosts = ["127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "localhost", "169.254.169.254"];
  await expectRefusals(hosts.flatMap((host) => disguised(host, inside.port)));
  expect(inside.reached).toBe(0);
});

test("names of this machine are refused without asking a name server", async () => {
  const inside = await startInside();
  const names = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "a.b.localhost.",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "loc\u00adalhost",
    "ｌｏｃａｌｈｏｓｔ",
  ];
  const refusals = await expectRefusals(
    names.map((name) => `http://${name}:${inside.port}/`),
    ["93.184.216.34"],
  );
  expect({ asked: refusals.names.asked, reached: inside.reached }).toEqual({ asked: [], reached: 0 });
});

test.each([...INSIDE_IPV4, ...INSIDE_IPV6, "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1"])(
  "a name that leads to %s is refused without a packet, and the answer doesn't tell that address",
  async (address) => {
    const urls = [
      "http://metadata.google.internal/",
      "http://127.0.0.1.nip.io/",
      "https://intranet/",
      "http://xn--bcher-kva.example/",
    ];
    const { reasons } = await expectRefusals(urls, [address]);
    for (const reason of reasons) expect(reason).not.toContain(address);
  },
);

test.each([
  ["first", ["10.0.0.1", "93.184.216.34"]],
  ["last", ["93.184.216.34", "1.1.1.1", "8.8.8.8", "9.9.9.9", "10.0.0.1"]],
  ["IPv6", ["93.184.216.34", "::1"]],
  ["nonsense", ["93.184.216.34", "fe80::1%lo"]],
  ["not an address", ["93.184.216.34", "example.com"]],
])("one address of many that isn't public spoils them all: %s", async (_, addresses) => {
  await expectRefusals(["http://mixed.example/", "https://mixed.example/"], addresses);
});

test("what is no URL for HTTP is refused without a packet", async () => {
  const { names } = await expectRefusals(NOT_FOR_US);
  expect(names.asked).toEqual([]);
});

test.each([0, 1, 21, 22, 23, 25, 110, 389, 2375, 3306, 5432, 6379, 8000, 8080, 9200, 11_211, 27_017])(
  "port %i is not among those by default",
  async (port) => {
    const { names } = await expectRefusals(
      [`http://example.com:${port}/`, `https://example.com:${port}/`],
      [],
      DEFAULT_OUTGOING,
    );
    expect(names.asked).toEqual([]);
  },
);

test("schemes go by the list", async () => {
  const httpsOnly: OutgoingSettings = { ...DEFAULT_OUTGOING, schemes: ["https"] };
  const { reasons } = await expectRefusals(["http://example.com/"], [], httpsOnly);
  expect(reasons).toEqual(["its scheme http is not among OUTGOING_SCHEMES"]);
});

test("what the operator denies is refused though it is public, or allowed", async () => {
  const settings = { ...anyPort, allow: ["10.0.0.0/8"], deny: ["93.184.216.0/24", "10.9.0.0/16"] };
  await expectRefusals(["http://93.184.216.34/", "http://10.9.8.7/", "http://a.example/"], ["93.184.216.1"], settings);
});

test("allowing IPv4 doesn't allow the same in IPv6 form", async () => {
  const settings = { ...anyPort, allow: ["127.0.0.0/8", "10.0.0.0/8"] };
  await expectRefusals(
    ["http://[::ffff:127.0.0.1]/", "http://[64:ff9b::10.0.0.1]/", "http://[::1]/", "http://localhost/"],
    [],
    settings,
  );
});

test("methods that open tunnels or echo requests are refused", async () => {
  const connections = countConnections();
  const http = guardedHttp(anyPort, { resolve: namesLeadTo("93.184.216.34").resolve });
  for (const method of ["CONNECT", "TRACE", "OPTIONS", "get", "GET / HTTP/1.1\r\nHost: inside\r\n\r\nGET"]) {
    expect(await http.request({ method: method as "GET", url: "http://example.com/" })).toMatchObject({
      kind: "refused",
    });
  }
  expect(connections.begun).toBe(0);
});

test.each([
  [{ Host: "inside" }],
  [{ "Content-Length": "0" }],
  [{ "Transfer-Encoding": "chunked" }],
  [{ connection: "upgrade" }],
  [{ Upgrade: "websocket" }],
  [{ "Proxy-Authorization": "Basic c2VjcmV0" }],
  [{ "accept-encoding": "zstd" }],
  [{ "x-a": "1\r\nHost: inside" }],
  [{ "x-a": "1\nx-b: 2" }],
  [{ "x-a": "1\u0000" }],
  [{ "x-a": "ŝecret" }],
  [{ "x a": "1" }],
  [{ "x:a": "1" }],
  [{ "": "1" }],
  [{ "x-a": "s".repeat(20_000) }],
])("headers that frame the request, or end it: %j", async (headers) => {
  const connections = countConnections();
  const http = guardedHttp(anyPort, { resolve: namesLeadTo("93.184.216.34").resolve });
  const answer = await http.request({
    method: "GET",
    url: "http://example.com/",
    headers: headers as Record<string, string>,
  });
  expect(answer).toMatchObject({ ok: false, kind: "refused" });
  for (const value of Object.values(headers)) expect(JSON.stringify(answer)).not.toContain(value);
  expect(connections.begun).toBe(0);
});

test("a body over a mebibyte is refused", async () => {
  const http = guardedHttp(anyPort, namesLeadTo("93.184.216.34"));
  const answer = await http.request({ method: "POST", url: "http://example.com/", body: "x".repeat(1024 * 1024 + 1) });
  expect(answer).toMatchObject({ ok: false, kind: "refused", mayHaveArrived: false });
});
