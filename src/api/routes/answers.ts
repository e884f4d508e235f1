import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isTestLink } from "../../secrets/test-link.ts";
import { isDatabaseAway } from "../../store/postgres.ts";
import { auditWithin } from "../access/audit.ts";
import { readBesides, showAll } from "../answers/all-answers.ts";
import { readOpenedDigest, showDigest } from "../answers/digest-page.ts";
import { LinkDoor } from "../answers/door.ts";
import { MOST_FORM_BYTES, readForms } from "../answers/form.ts";
import { asOwn, type OpenedLink, openLink } from "../answers/opened.ts";
import { readAsked } from "../answers/read-asked.ts";
import { type Shown, showAsked, showLeadsOn, showNotice, showOver, showTaken } from "../answers/results.ts";
import { PAGE_POLICY } from "../answers/style.ts";
import { detailsOf, nameOfLink, takeAnswer, tellOperator } from "../answers/take.ts";
import { type Form, readWish } from "../answers/wish.ts";
import { wordsFor } from "../answers/words/languages.ts";
import type { Words } from "../answers/words/words.ts";
import type { Api, ApiContext } from "../context.ts";
import { acceptedLanguages } from "../languages.ts";
import { Problem } from "../problem.ts";

/** Beside what every answer says. Browsers tell where a form comes from only if they may tell it to us. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": PAGE_POLICY,
  "referrer-policy": "same-origin",
  "x-robots-tag": "noindex, nofollow",
};
const NO_FORM: Form = new Map();

/**
 * The pages behind the links in messages. They are for people, and not a part of the API that programs read about: GET asks, POST acts.
 * Call it before what holds for all other routes that take a POST.
 */
export async function answerRoutes(
  api: Api,
  { database, channels }: Pick<ApiContext, "database" | "channels">,
): Promise<void> {
  const door = new LinkDoor(database, openLink, nameOfLink);
  await api.register(async (pages) => {
    readForms(pages);
    pages.setErrorHandler(sendFailure);
    const route = { config: { access: "link" as const }, bodyLimit: MOST_FORM_BYTES };
    const hidden = (operationId: string) => ({ ...route, schema: { hide: true, operationId } });

    pages.get<{ Params: { token: string } }>("/a/:token", hidden("showAnswerPage"), async (request, reply) => {
      if (isTestLink(request.params.token)) return sendTest(request, reply, door);
      const link = await door.admit(request, request.params.token);
      if (!link) return send(reply, showOver("forged", wordsOf(request)));
      // From beneath it, what the page leads on to would be somewhere else.
      if (hasSlashBehind(request)) return reply.headers(PAGE_HEADERS).redirect(`../${request.params.token}`, 308);
      return send(reply, await pageOf(request, link));
    });

    pages.post<{ Params: { token: string } }>("/a/:token", hidden("answerMessage"), async (request, reply) => {
      if (isTestLink(request.params.token)) return sendTest(request, reply, door);
      const link = await door.admit(request, request.params.token);
      if (!link) return send(reply, showOver("forged", wordsOf(request)));
      const own = asOwn(link);
      if (own === null) {
        request.auditDetails = { answer: link.purpose, reminder: link.reminderId, refused: "purpose" };
        return send(reply.header("allow", "GET, HEAD"), showLeadsOn(wordsOf(request)));
      }
      const form = request.body instanceof Map ? (request.body as Form) : NO_FORM;
      const taken = await takeAnswer(
        request.database,
        own,
        (asked) => readWish(form, asked, channels),
        async (sql, outcome) => {
          request.auditDetails = detailsOf(outcome);
          // What changed nothing gets its line with the answer, which says why.
          if (outcome.kind === "answered" || outcome.kind === "undone") await auditWithin(sql, request, 200);
        },
      );
      tellOperator(request.log, taken);
      const { locale } = taken.kind === "over" ? taken : taken.asked;
      return send(reply, showTaken(taken, wordsOf(request, locale)));
    });
  });
}

/** Some programs put one behind an address that has none. */
function hasSlashBehind({ url }: FastifyRequest): boolean {
  return /^[^?]*\/(?:\?|$)/.test(url);
}

/** What a link shows that somebody opens. */
async function pageOf(request: FastifyRequest, link: OpenedLink): Promise<Shown> {
  const { database } = request;
  const digest = link.purpose === "digest" ? await readOpenedDigest(database, link) : null;
  if (digest !== null && "over" in digest) return showOver(digest.over, wordsOf(request, digest.locale));
  if (digest !== null) return showDigest(link, digest, wordsOf(request, digest.locale));
  const own = asOwn(link);
  const asked = await readAsked(database, own ?? { ...link, purpose: "done" }, { lock: false });
  if ("over" in asked) return showOver(asked.over, wordsOf(request, asked.locale));
  const words = wordsOf(request, asked.locale);
  if (own !== null) return showAsked(asked, words);
  return showAll(link, { asked, besides: await readBesides(database, asked) }, words);
}

/** Somebody looks at words that they try out: there is nothing to be answered. */
function sendTest(request: FastifyRequest, reply: FastifyReply, door: { count(request: FastifyRequest): void }) {
  door.count(request);
  const words = wordsOf(request);
  return send(reply, showNotice(200, words.test, words));
}

/** In the reader's language, else in what the browser asks for. */
function wordsOf(request: FastifyRequest, locale: string | null = null): Words {
  return wordsFor(locale, ...acceptedLanguages(request.headers["accept-language"]));
}

function send(reply: FastifyReply, { status, page }: Shown): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).send(page);
}

/** Whatever goes wrong, a person gets a page. */
function sendFailure(error: FastifyError | Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const words = wordsOf(request);
  if (error instanceof Problem) {
    request.refusedBecause = error.message;
    reply.headers(error.headers);
    return send(reply, showNotice(error.status, wordsOfFailure(error.status, words), words));
  }
  if (isDatabaseAway(error)) {
    request.log.warn({ because: error.message }, "a request failed for now");
    reply.header("retry-after", "2");
    return send(reply, showNotice(503, words.failed, words));
  }
  const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
  if (status === 500) request.log.error({ err: error }, "a request failed by our fault");
  return send(reply, showNotice(status, wordsOfFailure(status, words), words));
}

function wordsOfFailure(status: number, words: Words): Words["failed"] {
  if (status === 429) return words.tooMany;
  return status === 400 || status === 413 || status === 415 ? words.unread : words.failed;
}
