import { readFile } from "node:fs/promises";
import type { NatsConnection } from "@nats-io/nats-core";
import { LatchkeyError } from "../../errors.ts";
import type { Store } from "../../model/store.ts";
import { UnusableError, usableAsync } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";
import type { NatsAddress } from "./nats-address.ts";

const PEERS = ["@nats-io/transport-node", "@nats-io/nats-core", "@nats-io/jetstream"];

/** A connection to NATS and what a command does with it. Disposing it closes it. */
export interface Nats extends AsyncDisposable {
  readonly connection: NatsConnection;
  /** @throws {LatchkeyError} `store-misconfigured`, `store-unavailable`. */
  openStore(bucket: string): Promise<Store>;
}

/**
 * Connects, with packages that are loaded only now: who does not use NATS need not install them.
 * @throws {LatchkeyError} `missing-peer` when they are not installed.
 * @throws {UnusableError} when the server cannot be reached, or does not know the user.
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
    throw new UnusableError(sentences.cannotConnect(address.servers, error), { cause: error });
  }
  return {
    connection,
    openStore: (bucket) => usableAsync(() => natsStore(connection, { bucket })),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

/** @throws {LatchkeyError} `missing-peer` when something that `load` imports is not installed. */
export async function withPeers<Modules>(load: () => Promise<Modules>): Promise<Modules> {
  try {
    return await load();
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
    if (!isMissing) throw error;
    throw new LatchkeyError("missing-peer", sentences.missingPeer(PEERS), { cause: error });
  }
}

async function readCredentials(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UnusableError(sentences.cannotRead(path, error), { cause: error });
  }
}
