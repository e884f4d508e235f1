import { expect, test } from "vitest";
import { parseSmtpUrls } from "./smtp-url.ts";

test("servers are written as URLs, with their logins", () => {
  expect(
    parseSmtpUrls(
      " smtp://ann:p%40ss%20word@smtp.example.com:2525?tls=required\n smtps://[::1] smtp://localhost smtp://10.0.0.1?tls=off ",
    ),
  ).toEqual([
    { host: "smtp.example.com", port: 2525, tls: "required", username: "ann", password: "p@ss word" },
    { host: "::1", port: 465, tls: "implicit", username: null, password: null },
    { host: "localhost", port: 587, tls: "auto", username: null, password: null },
    { host: "10.0.0.1", port: 587, tls: "off", username: null, password: null },
  ]);
});

test.each([
  "",
  "smtp.example.com",
  "http://smtp.example.com",
  "smtp://",
  "smtp://ann@smtp.example.com",
  "smtp://smtp.example.com/path",
  "smtp://smtp.example.com?tls=maybe",
  "smtp://smtp.example.com?pool=5",
  "smtp://smtp.example.com:99999",
  "smtp://a%00b",
  "smtp://ann:%@smtp.example.com",
  "smtp://a smtp://b smtp://c smtp://d smtp://e smtp://f",
])("what isn't one is refused: %j", (text) => {
  expect(parseSmtpUrls(text)).toBe(null);
});
