import { readFile } from "node:fs/promises";
import type { NatsConnection } from "@nats-io/nats-core";
import { LatchkeyError } from "../../errors.ts";
import type { Store } from "../../model/store.ts";
import { asCommandErrorAsync, CommandError, cannotRead } from "../terminal/command-error.ts";
import { errorMessage } from "../terminal/error-message.ts";
import type { NatsAddress } from "./nats-address.ts";

const PEERS = ["@nats-io/transport-node", "@nats-io/nats-core", "@nats-io/jetstream"];

/** A connection to NATS. Disposing closes it. */
export interface Nats extends AsyncDisposable {
  readonly connection: NatsConnection;
  /** @throws {LatchkeyError} `store-misconfigured`, `store-unavailable`. */
  openStore(bucket: string): Promise<Store>;
}

/**
 * Connects to NATS. Imports the NATS packages on demand, because they are optional peers.
 * @throws {LatchkeyError} `missing-peer` if they are not installed.
 * @throws {CommandError} if the server is unreachable or rejects the user.
 */
export async function openNats({ credsPath, ...address }: NatsAddress, name: string): Promise<Nats> {
  const [{ connect, credsAuthenticator }, { natsStore }] = await withPeers(() =>
    Promise.all([import("@nats-io/transport-node"), import("../../nats/index.ts")]),
  );
  const who = credsPath === undefined ? {} : { authenticator: credsAuthenticator(await readCredentials(credsPath)) };
  let connection: NatsConnection;
  try {
    connection = await connect({ ...address, ...who, name, maxReconnectAttempts: -1 });
  } catch (error) {
    throw new CommandError(`Cannot connect to NATS at ${address.servers.join(", ")}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  return {
    connection,
    openStore: (bucket) => asCommandErrorAsync(() => natsStore(connection, { bucket })),
    [Symbol.asyncDispose]: () => connection.close(),
  };
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

async function readCredentials(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}
