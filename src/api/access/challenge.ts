import { Problem } from "../problem.ts";

const REALM = 'Bearer realm="reminder-engine"';

/** 401: nobody has said who asks. */
export function unauthenticated(): Problem {
  const detail = "say who you are: send a key, or a token, in the header Authorization: Bearer ...";
  return new Problem(401, detail, { headers: { "www-authenticate": REALM } });
}

/** 401: what was sent opens nothing (RFC 6750 §3.1). `because` names nothing secret. */
export function invalidToken(because: string): Problem {
  return new Problem(401, because, { headers: { "www-authenticate": challenge("invalid_token", because) } });
}

/** 403: whoever asks may do other things, but not this. */
export function insufficientScope(scope: string): Problem {
  const detail = `that takes the scope ${scope}, which you haven't been given`;
  const header = `${challenge("insufficient_scope", detail)}, scope="${scope}"`;
  return new Problem(403, detail, { headers: { "www-authenticate": header } });
}

function challenge(error: string, description: string): string {
  return `${REALM}, error="${error}", error_description="${description.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'")}"`;
}
