import { MAX_RESPONSE_HEADER_BYTES } from "./limits.ts";
import { Failed } from "./outcome.ts";

const SENTENCES: Record<string, string> = {
  ECONNREFUSED: "it refused the connection",
  ECONNRESET: "it broke the connection off",
  EPIPE: "it broke the connection off",
  ERR_STREAM_PREMATURE_CLOSE: "it broke the connection off",
  EHOSTUNREACH: "there is no way to its address",
  ENETUNREACH: "there is no way to its address",
  ETIMEDOUT: "it doesn't respond",
};

/** Certificates that aren't trusted, by OpenSSL's names and Node's own. */
const CERTIFICATE = /CERT|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH/;

/** An error of Node as one of ours. Of its message nothing is told: it may hold what the request or the answer did. */
export function whyFailed(error: unknown): Failed {
  if (error instanceof Failed) return error;
  const code = String((error as NodeJS.ErrnoException | null)?.code);
  if (code === "HPE_HEADER_OVERFLOW") {
    return new Failed("too_much", `it answered with more than ${MAX_RESPONSE_HEADER_BYTES} bytes of headers`);
  }
  if (code.startsWith("HPE_")) return new Failed("unreadable", "its answer is not HTTP");
  if (/^(Z_|ERR_?_?BROTLI|ERR__?ERROR)/.test(code))
    return new Failed("unreadable", "its answer is not compressed as it says");
  if (CERTIFICATE.test(code)) return new Failed("unreachable", `its certificate is not trusted (${code})`);
  if (/^(ERR_SSL|EPROTO)/.test(code)) return new Failed("unreachable", `no TLS with it (${code})`);
  return new Failed("unreachable", SENTENCES[code] ?? `it can't be reached (${code})`);
}
