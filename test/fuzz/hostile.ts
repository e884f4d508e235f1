import fc from "fast-check";

/** Bodies that aren't what they say; in Latin-1, a character for each byte. */
const BODIES: readonly string[] = [
  "",
  " ",
  "{",
  "}",
  "[",
  "nul",
  '{"a":1',
  '{"a":1}}',
  "{'a':1}",
  '{"a":1,}',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '"text"',
  "1e999",
  "-",
  "\xef\xbb\xbf{}",
  "\xff\xfe{\x00}\x00",
  '"\xc3\x28"',
  '"\xed\xa0\x80"',
  '"\\ud800"',
  '{"entity_type":"\\u0000"}',
  "\x00",
  `${"[".repeat(5_000)}`,
  `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`,
  `{"data":{"a":${"9".repeat(10_000)}}}`,
  `{"${"k".repeat(70_000)}":1}`,
];

/** Larger than what is taken. Seldom: it takes its time. */
const HUGE = `"${"x".repeat(1024 * 1024 + 1)}"`;

export const hostileBody: fc.Arbitrary<string> = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...BODIES) },
  { weight: 20, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")) },
  { weight: 1, arbitrary: fc.constant(HUGE) },
);

export const hostileHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(
        "text/plain",
        "text/csv",
        "message/rfc822",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "application/json;",
        "application/json, text/html",
        "",
        "/",
        "APPLICATION/JSON",
        "application/problem+json",
      )
      .map((type) => ({ "content-type": type })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("gzip", "br", "identity", "nonsense")
      .map((encoding) => ({ "content-encoding": encoding })),
  },
  { weight: 2, arbitrary: fc.constantFrom("https://evil.example", "null", "::::", "").map((origin) => ({ origin })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("cross-site", "same-origin", "none").map((site) => ({ "sec-fetch-site": site })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("evil.example", "localhost:1", "127.0.0.1", "[::1]", "a b", "")
      .map((host) => ({ host })),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('"x"', "*", 'W/"x"', "x", "", ",", '"x', '"a","b"').map((tag) => ({ "if-match": tag })),
  },
  { weight: 3, arbitrary: fc.constantFrom('"x"', "*", 'W/"x"', "x", ",,").map((tag) => ({ "if-none-match": tag })) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("", "a b", '"', '"a\\', "x".repeat(256), "\xe9", "a,b", '"ok"')
      .map((key) => ({ "idempotency-key": key })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("Bearer x", "Basic eDp5", "Bearer", "", "Bearer re_ffff")
      .map((authorization) => ({ authorization })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("text/html", "image/*;q=0", "nonsense", "*/*").map((accept) => ({ accept })),
  },
  { weight: 1, arbitrary: fc.constantFrom("DELETE", "PATCH").map((method) => ({ "x-http-method-override": method })) },
  { weight: 1, arbitrary: fc.constantFrom("bytes=0-1", "bytes=9999999999-").map((range) => ({ range })) },
  { weight: 1, arbitrary: fc.constant({ "x-long": "x".repeat(9_000) }) },
  { weight: 1, arbitrary: fc.constant({ "x-much-too-long": "x".repeat(20_000) }) },
  { weight: 1, arbitrary: fc.constantFrom("200-ok", "100-continue").map((expect) => ({ expect })) },
);

/** Put in place of a part of a path, or of a query, as they are. */
export const hostilePart: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "%c0%ae",
    "%",
    "%zz",
    "%u0041",
    "a%2Fb",
    "%25",
    "0",
    "-1",
    "1.0",
    "1e3",
    "01",
    "+1",
    "9007199254740991",
    "9007199254740992",
    "99999999999999999999",
    "%20",
    "%0d%0aX:1",
    "%F0%9F%99%82",
    "*",
    "{id}",
    ":id",
    ";a=1",
    "%ED%A0%80",
    "a".repeat(2_000),
    "%61".repeat(3_000),
  ),
  fc.webSegment({ size: "xsmall" }),
);

export const hostileQuery: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "?",
    "&",
    "=",
    "limit=1&limit=2",
    "limit[]=1",
    "limit[a]=1",
    "__proto__=1",
    "__proto__[a]=1",
    "constructor=1",
    "a=%00",
    "a=%ff",
    "%=1",
    "cursor=",
    "cursor=WzFd",
    "cursor=W251bGxd",
    "cursor=bnVsbA",
    "cursor=WzEsMiwzLDRd",
    "cursor=%22",
    "limit=%31",
    "limit=1%00",
    "status=active",
    "status=",
    "limit=%201",
    "include_deleted=1",
    "include_deleted=TRUE",
    "due_before=now",
    "due_before=2026-01-01",
    "due_after=2026-01-01T00:00:00",
    "q=%F0%28%8C%28",
    "a&b&c",
    "#x",
    `a=${"x".repeat(9_000)}`,
    "&".repeat(2_000),
  ),
  fc.webQueryParameters({ size: "small" }),
);

export const OTHER_METHODS = [
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "PUT",
  "PATCH",
  "DELETE",
  "POST",
  "GET",
  "PURGE",
  "M-SEARCH",
] as const;

/** Whole requests that an HTTP client wouldn't send; in Latin-1. `HOST` stands for where the service is. */
export const RAW_REQUESTS: readonly string[] = [
  "\r\n\r\n",
  "GARBAGE\r\n\r\n",
  "GET / HTTP/9.9\r\nHost: HOST\r\n\r\n",
  "GET /healthz HTTP/1.1\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n",
  "GET /healthz HTTP/1.0\r\n\r\n",
  "get /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "GET http://evil.example/healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "GET //evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "GET * HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "GET /flags/\xff\xfe HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "GET /flags/a b HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: HOST\r\nX: a\x00b\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: HOST\r\nBad Header: 1\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: HOST\r\n folded: 1\r\n\r\n",
  "GET /healthz HTTP/1.1\nHost: HOST\n\n",
  "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
  "GET /healthz HTTP/1.1\r\nHost: HOST\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n{}",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip\r\n\r\n",
  "POST /reminders/ HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
];
