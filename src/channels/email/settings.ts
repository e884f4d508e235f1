/**
 * `auto`: TLS from the start on port 465; elsewhere STARTTLS where the server offers it, and nothing less where a password
 * would travel to another machine. `required`: STARTTLS or nothing. `implicit`: TLS from the start. `off`: never.
 */
export const TLS_MODES = ["auto", "required", "implicit", "off"] as const;

/** The server that e-mails are sent by. */
export interface SmtpServer {
  host: string;
  port: number;
  /** Null: no login. */
  username: string | null;
  password: string | null;
  tls: (typeof TLS_MODES)[number];
  /** A private certificate authority to trust instead of the usual ones, in PEM. */
  certificateAuthority?: string | undefined;
}
