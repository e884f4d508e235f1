// As much of a shell as the commands of the guide need, so that they run wherever the tests do.

export interface ShellCommand {
  /** Without quotes; operators such as `|`, `&&` and `>` are words of their own. */
  words: string[];
  /** What it reads from `<<'EOF'`; null: nothing. */
  input: string | null;
}

/** What may be a piece of a word, from where one begins: a quoted text, `$(...)`, or characters that mean nothing. */
const PIECE = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|(\$\([^)]*\))|\\\n|\\([\s\S])|((?:(?!\$\()[^\s'"\\|&<>])+)/y;
const OPERATOR = /&&|\|\||[|<>]/y;
const HEREDOC = /<<'?(\w+)'?[^\n]*\n/y;

/** The commands of a block, one after the other. `$NAME` is what `variables` says. */
export function commandsIn(text: string, variables: Readonly<Record<string, string>> = {}): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let command: ShellCommand = { words: [], input: null };
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const end = (): void => {
    if (command.words.length > 0) commands.push(command);
    command = { words: [], input: null };
  };
  const filled = (word: string): string =>
    word.replace(/\$([A-Z]\w*)/g, (whole, name: string) => variables[name] ?? whole);

  while (at < text.length) {
    if (take(/[ \t]+|\\\n/y) || take(/#[^\n]*/y)) continue;
    if (take(/\n/y)) {
      end();
      continue;
    }
    const heredoc = take(HEREDOC);
    if (heredoc) {
      const close = text.indexOf(`\n${heredoc[1]}\n`, at - 1);
      command.input = text.slice(at, close);
      at = close + `\n${heredoc[1]}`.length;
      continue;
    }
    const operator = take(OPERATOR);
    if (operator) {
      command.words.push(operator[0]);
      continue;
    }
    let word = "";
    let piece = take(PIECE);
    if (!piece) throw new Error(`a shell isn't understood here: ${text.slice(at, at + 40)}`);
    for (; piece; piece = take(PIECE)) {
      const [, single, double, substituted, escaped, plain] = piece;
      const unquoted = double?.replace(/\\\n/g, "").replace(/\\(["\\$])/g, "$1");
      word += single ?? filled(unquoted ?? substituted ?? escaped ?? plain ?? "");
    }
    command.words.push(word);
  }
  end();
  return commands;
}

/** What `curl` sends. */
export interface CurlRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

const TAKES_A_VALUE: Record<string, "method" | "header" | "body"> = {
  "-X": "method",
  "-H": "header",
  "-d": "body",
  "--data-binary": "body",
};
const CHANGES_NOTHING = new Set(["-i", "-s", "-sS"]);

/** The request of a `curl` command. `files`: what is in those that it reads. */
export function requestOf({ words, input }: ShellCommand, files: Readonly<Record<string, string>> = {}): CurlRequest {
  const [program, ...rest] = words;
  if (program !== "curl") throw new Error(`${program} is no curl`);
  const request: CurlRequest = { method: "", url: "", headers: {}, body: null };
  for (let n = 0; n < rest.length; n += 1) {
    const word = rest[n] as string;
    const kind = TAKES_A_VALUE[word];
    if (CHANGES_NOTHING.has(word)) continue;
    if (kind === undefined) {
      if (word.startsWith("-") || request.url !== "") throw new Error(`curl ${word} isn't understood here`);
      request.url = word;
      continue;
    }
    n += 1;
    const value = rest[n] ?? "";
    if (kind === "method") request.method = value;
    else if (kind === "body") request.body = contentOf(value, input, files);
    else {
      const [, name = "", text = ""] = /^([^:]+): *(.*)$/.exec(value) ?? [];
      request.headers[name] = text;
    }
  }
  return { ...request, method: request.method || (request.body === null ? "GET" : "POST") };
}

function contentOf(value: string, input: string | null, files: Readonly<Record<string, string>>): string {
  if (!value.startsWith("@")) return value;
  const content = value === "@-" ? input : files[value.slice(1)];
  if (content == null) throw new Error(`there is nothing to read from ${value}`);
  return content;
}
