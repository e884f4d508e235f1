import { expect, test } from "vitest";
import { commandsIn, requestOf } from "./shell.ts";

test("a block is read as a shell would", () => {
  const text = `# why
curl -X PUT "http://h/$NAME" -H 'A: b' \\
  -d '{"a": "it is"}'   # and so on
printf %s "$P" | npx x y --z "a \\"b\\""
A=1 B=$(echo 2)
cat <<'EOF'
one 'two'
EOF
`;
  expect(commandsIn(text, { NAME: "n", P: "secret" })).toEqual([
    { words: ["curl", "-X", "PUT", "http://h/n", "-H", "A: b", "-d", '{"a": "it is"}'], input: null },
    { words: ["printf", "%s", "secret", "|", "npx", "x", "y", "--z", 'a "b"'], input: null },
    { words: ["A=1", "B=$(echo 2)"], input: null },
    { words: ["cat"], input: "one 'two'" },
  ]);
});

test("and a curl as the request that it sends", () => {
  const [command] = commandsIn("curl -sS http://h/p -H 'Content-Type: text/csv' --data-binary @f.csv");
  expect(command && requestOf(command, { "f.csv": "a,b" })).toEqual({
    method: "POST",
    url: "http://h/p",
    headers: { "Content-Type": "text/csv" },
    body: "a,b",
  });
});
