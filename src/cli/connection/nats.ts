import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Authenticator, NatsConnection } from "@nats-io/nats-core";
import { LatchkeyError } from "../../errors.ts";
import { delay, systemClock } from "../../internal/clock.ts";
import { errorMessage } from "../../internal/error-message.ts";
import type { Store } from "../../model/store.ts";
import type { NatsStoreOptions } from "../../nats/kv/store-options.ts";
import { OWN_API } from "../../nats/wire/bucket-address.ts";
import { asCommandErrorAsync, CommandError, cannotRead } from "../terminal/command-error.ts";
import type { NatsAddress } from "./nats-address.ts";

const PEERS = ["@nats-io/transport-node", "@nats-io/nats-core", "@nats-io/jetstream"];

/** Time within which a server must answer a new connection, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

const CLOSE_TIMEOUT_MS = 1_000;

/** A connection to NATS. Disposing closes it. */
export interface Nats extends AsyncDisposable {
  readonly connection: NatsConnection;
  /** Prefix of the JetStream API's subjects. Pass it to `jetstream` and `jetstreamManager`. */
  readonly apiPrefix: string;
  /** @throws {LatchkeyError} `store-misconfigured`, `store-unavailable`, `store-forbidden`. */
  openStore(bucket: string, options?: Pick<NatsStoreOptions, "replicas" | "onWarning">): Promise<Store>;
}

/**
 * Connects to NATS. Imports the NATS packages on demand, because they are optional peers.
 * @throws {LatchkeyError} `missing-peer` if they are not installed.
 * @throws {CommandError} if the server is unreachable or rejects the user.
 */
export async function openNats(
  { credsPath, apiPrefix = OWN_API, ...address }: NatsAddress,
  name: string,
): Promise<Nats> {
  const [{ connect, credsAuthenticator }, { natsStore }] = await withPeers(() =>
    Promise.all([import("@nats-io/transport-node"), import("../../nats/index.ts")]),
  );
  const who =
    credsPath === undefined
      ? {}
      : { authenticator: fileAuthenticator(credsPath, await readCredentials(credsPath), credsAuthenticator) };
  let connection: NatsConnection;
  try {
    connection = await connect({
      ...address,
      ...who,
      name,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
    });
  } catch (error) {
    const failure = `Cannot connect to NATS at ${address.servers.join(", ")}: ${connectProblem(error)}`;
    throw new CommandError(`${failure}. ${connectAdvice(error)}`);
  }
  return {
    connection,
    apiPrefix,
    openStore: (bucket, options = {}) =>
      asCommandErrorAsync(() => natsStore(connection, { ...options, bucket, apiPrefix })),
    // The client waits until the server has read everything. One that has stopped never does.
    [Symbol.asyncDispose]: () => Promise.race([connection.close(), delay(systemClock, CLOSE_TIMEOUT_MS, [])]),
  };
}

/** The client has no words for a server that is not NATS. */
function connectProblem(error: unknown): string {
  const message = errorMessage(error);
  return /undefined error/.test(message) ? "what listens there does not answer like a NATS server" : message;
}

function connectAdvice(error: unknown): string {
  const text = error instanceof Error ? `${error.name} ${error.message}` : "";
  if (/Auth/.test(text)) return "Check user, password or token in the address, or --creds";
  if (/certificate/i.test(text)) {
    return "Set NODE_EXTRA_CA_CERTS to a file with the certificate of the server's authority";
  }
  if (/not support 'tls'/.test(text)) return "Use nats:// instead of tls://, or the port that uses TLS";
  return "Check the address, and that the server runs";
}

/** @throws {LatchkeyError} `missing-peer` if a package that `load` imports is not installed. */
export async function withPeers<Modules>(load: () => Promise<Modules>): Promise<Modules> {
  try {
    return await load();
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
    if (!isMissing) throw error;
    throw new LatchkeyError(
      "missing-peer",
      `NATS needs packages that are not installed. Install them with: npm install ${PEERS.join(" ")}`,
      { cause: error },
    );
  }
}

/**
 * Reads the file again for every connection, because credentials are rotated. While the file is missing or incomplete, the last
 * credentials are used.
 */
function fileAuthenticator(
  path: string,
  first: Uint8Array,
  authenticatorOf: (creds: Uint8Array) => Authenticator,
): Authenticator {
  let last = authenticatorOf(first);
  return (nonce) => {
    try {
      const next = authenticatorOf(readFileSync(path));
      const login = next(nonce);
      last = next;
      return login;
    } catch {
      return last(nonce);
    }
  };
}

async function readCredentials(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}
