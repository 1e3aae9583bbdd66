import { UnusableError } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";

/** Which servers to use, and as whom; the names are those of the NATS client's options. */
export interface NatsAddress {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly tls?: Record<string, never>;
  /** A file of credentials. */
  readonly credsPath?: string;
  /** Of the subjects to which answers come, where the user may not subscribe to just any. */
  readonly inboxPrefix?: string;
}

/**
 * From the flags, else from `NATS_URL`, `NATS_CREDS` and `NATS_INBOX_PREFIX`. Several servers are set apart by commas. The client takes neither a user
 * nor `tls://` from an address, so both are taken out of it here: the first user that is named counts.
 * @throws {UnusableError} when no server is named.
 */
export function natsAddress(
  flags: { readonly nats?: string; readonly creds?: string; readonly inboxPrefix?: string },
  env: Readonly<Record<string, string | undefined>>,
): NatsAddress {
  const addresses = (flags.nats ?? env["NATS_URL"] ?? "").split(",").filter((part) => part.trim() !== "");
  if (addresses.length === 0) throw new UnusableError(sentences.needsServer);
  const urls = addresses.map(parsed);
  const credsPath = flags.creds ?? env["NATS_CREDS"] ?? "";
  const inboxPrefix = flags.inboxPrefix ?? env["NATS_INBOX_PREFIX"] ?? "";
  return {
    servers: urls.map((url) => url.host),
    ...credentials(urls.find((url) => url.username !== "")),
    ...(urls.some((url) => url.protocol === "tls:") ? { tls: {} } : {}),
    ...(credsPath === "" ? {} : { credsPath }),
    ...(inboxPrefix === "" ? {} : { inboxPrefix }),
  };
}

/** A user without a password is a token. */
function credentials(url: URL | undefined): Pick<NatsAddress, "user" | "pass" | "token"> {
  if (url === undefined) return {};
  const user = decoded(url.username);
  return url.password === "" ? { token: user } : { user, pass: decoded(url.password) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UnusableError(sentences.notAServer);
  }
}

function parsed(address: string): URL {
  const text = address.includes("://") ? address.trim() : `nats://${address.trim()}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What cannot be parsed may hold a password, so it is not repeated.
  if (url === undefined || url.host === "" || !/^(nats|tls):$/.test(url.protocol))
    throw new UnusableError(sentences.notAServer);
  return url;
}
