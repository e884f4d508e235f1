import { expect, test } from "vitest";
import { passwordsIn, withoutPassword } from "./url-password.ts";

test.each([
  ["postgresql://me:hunter2@db.example.com:5432/x", "postgresql://me:***@db.example.com:5432/x"],
  ["postgresql://me:hun@ter2@db.example.com/x", "postgresql://me:***@db.example.com/x"],
  ["postgresql://me:hunter2@/x?host=/run/postgresql", "postgresql://me:***@/x?host=/run/postgresql"],
  ["postgresql://me@db/x?password=hunter2", "postgresql://me@db/x?password=***"],
  [
    "postgresql://me@db/x?sslmode=require&sslpassword=hunter2&PASSWORD=hunter2#p",
    "postgresql://me@db/x?sslmode=require&sslpassword=***&PASSWORD=***#p",
  ],
  ["postgresql://me@db:5432/x?application_name=a", "postgresql://me@db:5432/x?application_name=a"],
])("the password in %s is not shown, and everything else is", (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});

test("the passwords in a URL are known in every form that a message might repeat", () => {
  expect(passwordsIn("postgresql://me:hunter%402@db/x?sslpassword=two+words")).toEqual(
    expect.arrayContaining(["hunter%402", "hunter@2", "two+words", "two words"]),
  );
  expect(passwordsIn("postgresql://me:100%@db/x")).toEqual(["100%"]);
  expect(passwordsIn("postgresql://me@db/x")).toEqual([]);
});
