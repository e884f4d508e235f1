// What one request to a URL of users may cost, at most. Times are in milliseconds, sizes in bytes.

export const MAX_URL_CHARS = 8_000;
export const MAX_REQUEST_BODY_BYTES = 1024 * 1024;
/** All header lines of the request together. */
export const MAX_REQUEST_HEADER_BYTES = 16 * 1024;

/** All header lines of the answer together. */
export const MAX_RESPONSE_HEADER_BYTES = 16 * 1024;
/** Interim answers (1xx) that may come before the real one; usual are none, or one. */
export const MAX_INTERIM_ANSWERS = 10;
/** The body of the answer, on the wire and decompressed, where the caller doesn't say. */
export const DEFAULT_RESPONSE_BYTES = 1024 * 1024;
/** What a caller may ask for. */
export const MAX_RESPONSE_BYTES = 10 * 1024 * 1024;

/** From the first question to a name server to the last byte of the body, where the caller doesn't say. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/** What a caller may ask for. */
export const MAX_TIMEOUT_MS = 60_000;

/** A name server is asked again after this, and twice as long after that; then it counts as silent. */
export const DNS_TRY_MS = 1_500;
export const DNS_TRIES = 2;

/** One address may take this long until it is connected, TLS included; then the next one is tried. */
export const CONNECT_MS = 3_000;
/** Addresses of one name that are tried. All are judged. */
export const MAX_ADDRESSES_TRIED = 3;

/** A connection that nothing goes over is kept this long for the next request: servers usually close theirs after 5 s. */
export const IDLE_MS = 4_000;
/** Idle connections that are kept to one service. */
export const KEPT_CONNECTIONS = 4;
