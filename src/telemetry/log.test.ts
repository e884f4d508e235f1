import { expect, test } from "vitest";
import { createLog } from "./log.ts";

function logged(write: (log: ReturnType<typeof createLog>) => void, secrets: string[] = []): string {
  const lines: string[] = [];
  write(createLog({ level: "trace", secrets, destination: { write: (line) => lines.push(line) } }));
  return lines.join("");
}

const SECRET = 'p"ss\\wörd-1';

test("a line is one JSON object with a level that people can read and an ISO instant", () => {
  const line = logged((log) => log.info({ reminder: 7 }, "fired"));
  expect(JSON.parse(line)).toMatchObject({ level: "info", reminder: 7, msg: "fired" });
  expect(JSON.parse(line).time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("a secret is hidden wherever it stands, also in an error's message, and the line stays JSON", () => {
  const line = logged(
    (log) => {
      log.error(
        { err: new Error(`535 login with ${SECRET} failed`), nested: { deep: { it: SECRET } } },
        `tried ${SECRET}`,
      );
    },
    [SECRET],
  );
  expect(line).not.toContain("wörd-1");
  expect(JSON.parse(line).msg).toBe("tried [hidden]");
});

test.each([
  ["postgresql://me:hunter2@db.example.com:5432/reminders", "postgresql://me:[hidden]@db.example.com:5432/reminders"],
  [
    'no "postgresql://db/x?password=hunter2&sslpassword=hunter2", sorry',
    'no "postgresql://db/x?password=[hidden]&sslpassword=[hidden]", sorry',
  ],
  [
    "GET /reminders?api_key=hunter2&limit=5&access_token=hunter2",
    "GET /reminders?api_key=[hidden]&limit=5&access_token=[hidden]",
  ],
  [
    "POST /inbound/acme/mailgun?key=hunter2&sig=hunter2&AccessKey=hunter2&signature=hunter2&delivery=7",
    "POST /inbound/acme/mailgun?key=[hidden]&sig=[hidden]&AccessKey=[hidden]&signature=[hidden]&delivery=7",
  ],
  ["https://:hunter2@example.com/hook", "https://:[hidden]@example.com/hook"],
  [
    "see http://example.com:8080/a@b, mail someone@example.com",
    "see http://example.com:8080/a@b, mail someone@example.com",
  ],
])("the password in a URL is hidden, and nothing else: %s", (text, shown) => {
  expect(JSON.parse(logged((log) => log.warn(text))).msg).toBe(shown);
});

test("fields that carry secrets by their name are hidden", () => {
  const line = logged((log) => {
    log.info({
      password: "hunter2",
      req: { headers: { authorization: "Bearer hunter2" } },
      smtp: { password: "hunter2" },
    });
  });
  expect(line).not.toContain("hunter2");
});

test("a short secret does not make the log unreadable", () => {
  expect(JSON.parse(logged((log) => log.info("a banana"), ["a"])).msg).toBe("a banana");
});

test("the link in a message is hidden, whose holder may answer it, in whatever case", () => {
  const token = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4";
  const line = logged((log) => log.warn(`POST /a/${token} and /A/${token}/snooze, not /a/short`));
  expect(JSON.parse(line).msg).toBe("POST /a/[hidden] and /A/[hidden]/snooze, not /a/short");
});

test.each(["/a//", "/a/%E2%80%AE", "/a/=", "/a/=3D", "/a/%20", "/p/..%2f", "%2Fa%2F%2F"])(
  "a link that was damaged on its way is hidden as well: %s",
  (before) => {
    const token = "EAABhf7F96E0ANAFA2Kn1lHZ-zGMREtoE1-vRa0UVUap";
    expect(logged((log) => log.info({ url: `${before}${token}` }, "request"))).not.toMatch(/EAAB|vRa0/);
  },
);

test.each(["=\r\n", "%0D%0A", "=", ".", "=3D", "%20", "\n> ", "\r\n> > ", "\u200b", "\u00ad"])(
  "and one that was broken within: by %j",
  (within) => {
    const token = `EAABhf7F96E0${within}ANAFA2Kn1lHZ-zGMREtoE1-vRa0UVUap`;
    for (const path of ["/a/", "/p/", "\\/a\\/"])
      expect(logged((log) => log.info({ url: `${path}${token}` }, "request"))).not.toMatch(/EAAB|vRa0/);
  },
);

test("however it is written in a URL, the link, and a key in a query, are hidden", () => {
  const token = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4";
  const line = logged((log) =>
    log.warn(
      `GET /%61/%5a${token.slice(1)} and /flags?x=rmd%5FnZ5Ytoiecdjk%5Fsecret123 and ?to=https%3A%2F%2Fh%2Fa%2F${token}`,
    ),
  );
  expect(JSON.parse(line).msg).toBe(
    "GET /a/[hidden] and /flags?x=rmd_nZ5Ytoiecdjk_[hidden] and ?to=https%3A%2F%2Fh%2Fa%2F[hidden]",
  );
});

test("the address that a reply goes to is hidden, whose holder may answer as well", () => {
  const line = logged((log) =>
    log.info(
      "POST /inbound/mail?recipient=replies%2B1-mb3x2k0-0-q3vyx2n5k7ab4cde%40in.example for r+1-a-0-q3vyx2n5k7ab4cde@x",
    ),
  );
  expect(JSON.parse(line).msg).toBe(
    "POST /inbound/mail?recipient=replies%2B1-mb3x2k0-0-[hidden]%40in.example for r+1-a-0-[hidden]@x",
  );
});

test("so is the one that a digest comes back to, whose holder may have its reader suppressed", () => {
  const line = logged((log) =>
    log.info("POST /inbound/mail?recipient=bounces%2B1-mb3x2k0-0-0af93b1c-q3vyx2n5k7ab4cde%40in.example"),
  );
  expect(JSON.parse(line).msg).toBe(
    "POST /inbound/mail?recipient=bounces%2B1-mb3x2k0-0-0af93b1c-[hidden]%40in.example",
  );
});

test("a token behind other text, and a secret behind a parameter that is none, are hidden", () => {
  const token = "eyJhbGciOiJub25l.eyJzdWIiOiJtZSJ9.c2lnbmVk";
  const line = logged((log) =>
    log.warn(
      `to%3D${token} www.${token}, x=${token}; ?to=https://h/?key=hunter2=3 ?a?sig=hunter2 &b=1&pin?token=hunter2#x`,
    ),
  );
  expect(JSON.parse(line).msg).toBe(
    "to%3D[hidden] www.[hidden], x=[hidden]; ?to=https://h/?key=[hidden] ?a?sig=[hidden] &b=1&pin?token=[hidden]#x",
  );
});

test.each([
  ["parameters without a value", `${"?".repeat(6_000)}${"sig".repeat(6_000)}`],
  ["names of secrets", "?key".repeat(6_000)],
  ["values", "?a=b".repeat(6_000)],
  ["schemes", "a+".repeat(200_000)],
  ["tokens that end early", "eyJ----".repeat(40_000)],
  ["tokens of two parts", `${"eyJ----".repeat(20_000)}.${"eyJ----".repeat(20_000)}`],
  ["tokens of words", "eyJ-.".repeat(40_000)],
  ["links of escapes", `/a/${"%3d".repeat(12)}! `.repeat(100_000)],
  ["links of quoted lines", `/a/${"\n> > abcdefgh".repeat(2)}! `.repeat(40_000)],
  ["quotes of quotes", `/a/${"\n> ".repeat(200_000)}`],
])("whoever has a line with many %s written holds nobody else up", (_name, text) => {
  const { user } = process.cpuUsage();
  const line = logged((log) => log.warn(text));
  expect(line).toContain("warn");
  expect((process.cpuUsage().user - user) / 1_000).toBeLessThan(1_000);
});
