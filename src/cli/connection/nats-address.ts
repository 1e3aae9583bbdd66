import { setting } from "../../env.ts";
import { resolveApiPrefix } from "../../nats/kv/store-options.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";

const NOT_A_SERVER = "A NATS server needs the form nats://host:port or tls://host:port; commas separate several";

/** Servers and credentials; the field names are those of the NATS client's options. */
export interface NatsAddress {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly tls?: Record<string, never>;
  /** Path of a credentials file. */
  readonly credsPath?: string;
  /** Prefix of the reply subjects, for users without the permission to subscribe to every inbox. */
  readonly inboxPrefix?: string;
  /** Prefix of the JetStream API's subjects, if the streams are in another domain or account. */
  readonly apiPrefix?: string;
}

/** Flags that select servers, credentials and a JetStream domain. */
export interface NatsFlags {
  readonly nats?: string;
  readonly creds?: string;
  readonly inboxPrefix?: string;
  readonly domain?: string;
  readonly apiPrefix?: string;
}

/**
 * Reads the address from the flags, or from `NATS_URL`, `NATS_CREDS`, `NATS_INBOX_PREFIX`, `NATS_DOMAIN` and `NATS_API_PREFIX`. Commas
 * separate servers.
 * The NATS client supports neither user info nor `tls://` in a URL, so both are extracted; the first user wins.
 * @throws {CommandError} if no server is named, or an address is malformed.
 */
export function natsAddress(flags: NatsFlags, env: Readonly<Record<string, string | undefined>>): NatsAddress {
  const addresses = (flags.nats ?? setting(env, "NATS_URL") ?? "").split(",").filter((part) => part.trim() !== "");
  if (addresses.length === 0) throw new CommandError("A NATS server is needed: give --nats <url> or set NATS_URL");
  const urls = addresses.map(parsed);
  const credsPath = flags.creds ?? setting(env, "NATS_CREDS") ?? "";
  const inboxPrefix = flags.inboxPrefix ?? setting(env, "NATS_INBOX_PREFIX") ?? "";
  return {
    servers: urls.map((url) => url.host),
    ...credentials(urls.find((url) => url.username !== "")),
    ...(urls.some((url) => url.protocol === "tls:") ? { tls: {} } : {}),
    ...(credsPath === "" ? {} : { credsPath }),
    ...(inboxPrefix === "" ? {} : { inboxPrefix }),
    ...apiPrefixOf(flags, env),
  };
}

/** A flag takes precedence over both variables. */
function apiPrefixOf(flags: NatsFlags, env: Readonly<Record<string, string | undefined>>): { apiPrefix?: string } {
  const isFlag = flags.domain !== undefined || flags.apiPrefix !== undefined;
  const domain = isFlag ? flags.domain : setting(env, "NATS_DOMAIN");
  const prefix = isFlag ? flags.apiPrefix : setting(env, "NATS_API_PREFIX");
  if (domain === undefined && prefix === undefined) return {};
  const apiPrefix = asCommandError(() =>
    resolveApiPrefix({
      ...(domain === undefined ? {} : { domain }),
      ...(prefix === undefined ? {} : { apiPrefix: prefix }),
    }),
  );
  return { apiPrefix };
}

/** Treats a user without a password as a token. */
function credentials(url: URL | undefined): Pick<NatsAddress, "user" | "pass" | "token"> {
  if (url === undefined) return {};
  const user = decoded(url.username);
  return url.password === "" ? { token: user } : { user, pass: decoded(url.password) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new CommandError(NOT_A_SERVER);
  }
}

function parsed(address: string): URL {
  const text = address.includes("://") ? address.trim() : `nats://${address.trim()}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A malformed address may contain a password, so the error does not repeat it.
  if (url === undefined || url.host === "" || !/^(nats|tls):$/.test(url.protocol)) throw new CommandError(NOT_A_SERVER);
  return url;
}
