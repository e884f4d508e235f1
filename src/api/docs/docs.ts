import swaggerUi from "@fastify/swagger-ui";
import type { Api } from "../context.ts";
import { redocBundle } from "./redoc.ts";

/** Everything comes from us, nothing runs inline; both pages set styles from their scripts. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const REDOC_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Reminder Engine</title>
    <link rel="icon" href="data:,">
    <style>body { margin: 0 }</style>
  </head>
  <body>
    <redoc spec-url="/openapi.json"></redoc>
    <script src="/redoc/redoc.js"></script>
  </body>
</html>
`;

/** `/openapi.json`, and the same for people: Swagger UI at `/docs`, ReDoc at `/redoc`. Nothing is loaded from elsewhere. */
export async function serveDocs(api: Api): Promise<void> {
  const hidden = { schema: { hide: true }, logLevel: "warn" as const, config: { access: "open" as const } };

  // Where the banner's address leads whoever opens it.
  api.get("/", hidden, async (_request, reply) => reply.redirect("/docs", 302));

  let document: string | undefined;
  api.get("/openapi.json", hidden, async (_request, reply) => {
    document ??= JSON.stringify(api.swagger());
    return reply.type("application/json; charset=utf-8").send(document);
  });

  await api.register(swaggerUi, {
    routePrefix: "/docs",
    logLevel: "warn",
    staticCSP: PAGE_POLICY,
    uiConfig: { layout: "BaseLayout", deepLinking: true, displayRequestDuration: true, tryItOutEnabled: true },
    theme: { title: "Reminder Engine" },
  });

  api.get("/redoc", hidden, async (_request, reply) =>
    reply.header("content-security-policy", PAGE_POLICY).type(HTML).send(REDOC_PAGE),
  );
  api.get("/redoc/redoc.js", hidden, async (_request, reply) =>
    reply
      .header("cache-control", "public, max-age=3600")
      .type(SCRIPT)
      .send(await redocBundle()),
  );
}
