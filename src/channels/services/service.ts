import type { CodeMarks } from "../../templates/code-blocks.ts";

/** What a request is filled in from; see `fill.ts`. */
export type Placeholder =
  /** What lets us in: the token, or the URL that is a secret itself. */
  | "token"
  | "url"
  /** Where the service's methods are, without a slash at its end. */
  | "api_url"
  | "recipient"
  /** The same without the # before it. */
  | "place"
  | "subject"
  /** The message, its links and what it is about, in the service's markup. */
  | "text"
  /** Stable over the retries of a message. */
  | "id"
  /** Stable over all the messages of a reminder to a recipient. */
  | "thread";

/** JSON in whose strings `{placeholders}` are filled in. What comes to nothing is left out. */
export type Template = string | number | boolean | readonly Template[] | TemplateObject | ForEachAnswer;
export interface TemplateObject {
  readonly [name: string]: Template;
}
/** In a list: once for each answer that the message may be given, with `{label}` and `{answer_url}`. */
export interface ForEachAnswer {
  readonly forEachAnswer: Template;
}

/** What lets us in. */
export interface AccessRule {
  /** A token besides the service's address, or a URL that leads to one place. Names the setting, too. */
  kind: "token" | "webhook_url";
  /** What it is, for people: "must be ...". */
  told: string;
  pattern: RegExp;
  /** True where the service may be open to all. */
  isOptional?: boolean;
}

/** One form of recipient that a service knows. */
export interface RecipientRule {
  /** Goes on from "must be". */
  told: string;
  pattern: RegExp;
  /** True for the e-mail address of a person: a contact's own will do. */
  isEmail?: boolean;
  /** What such a recipient adds to the body. */
  adds?: TemplateObject;
}

/**
 * What a refusal means. `address`: the recipient is at fault, and somebody can mend that where it is (invite the bot, say); `gone`:
 * nobody is there, and the next message is refused as well; `access`: token, URL or permission; `message`: what it says. None of them
 * passes by itself; `later` does.
 */
export type Fault = "address" | "gone" | "access" | "message" | "later";

/** A refusal by its status, or by words in its answer. */
export interface Refusal {
  status?: number;
  /** In any case, anywhere in the text at `codeAt`. */
  says?: string;
  fault: Fault;
  /** What a person has to do. */
  toDo: string;
}

/** A service that takes messages as HTTP requests, written as data. A new one is a file like this and a line in the list. */
export interface HttpService {
  /** The channel's name. */
  name: string;
  /** As it calls itself. */
  title: string;
  access: AccessRule;
  /** Where its methods are; null: everybody runs their own, so that it has to be set. Not set: the secret URL is all. */
  apiUrl?: string | null;
  /** Forms of recipients; none: it all goes to one place. */
  recipients: readonly RecipientRule[];
  needsRecipient: boolean;
  /** True where each message opens a case of its own: never several in one. */
  isForPrograms?: boolean;
  /** Whether `text` is read as some kind of Markdown, and how a link with words is written in it. */
  markup: "none" | "markdown" | "angled";
  /** Where blocks of code begin and end in its Markdown; not set: by lines of their own. */
  codeMarks?: CodeMarks;
  /** What breaks a line where a mere line break is a space; not set: a line break does. */
  lineBreak?: string;
  /** True where names are called though there is no markup. */
  mentions?: boolean;
  maxSubjectChars: number;
  maxTextChars: number;
  /** False where the text has no links of its own, as the body has them as buttons. */
  linksInText: boolean;
  request: {
    method: "POST" | "PUT";
    url: string;
    headers?: Readonly<Record<string, string>>;
    encoding: "json" | "form";
    body: TemplateObject;
  };
  answer: {
    /** The way to the message's id, with dots. */
    idAt?: string;
    /** The way to the words that say why it was refused; not set: the whole answer. */
    codeAt?: string;
    /** The way to how long to wait, and in what, where that isn't in `Retry-After`. */
    retryAfterAt?: { path: string; unitMs: number };
    /** The headers that tell how many messages are left of a quota, and when there are more (in seconds since 1970). */
    quotaIn?: { left: string; resetAt: string };
  };
  /** True where the same `{id}` again is the same message: what may have arrived is sent again. */
  isIdempotent: boolean;
  /** One message in so many milliseconds to one place. */
  everyMs: number;
  /** The first that fits counts; without any, see `readOutcome`. */
  refusals: readonly Refusal[];
  /** Where its API is described. */
  docs: string;
}
