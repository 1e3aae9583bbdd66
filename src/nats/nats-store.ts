import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { bucketStore, type NatsStore, type Sending, sendingAsItPays } from "./bucket-store.ts";
import { type NatsStoreOptions, resolveNatsStoreOptions } from "./store-options.ts";

/**
 * A {@link Store} in a key-value bucket of NATS JetStream. Creates the bucket if there is none and the connection may do so;
 * in any case it makes sure that the server and the bucket keep the guarantees.
 * @throws {TypeError | RangeError} that names the argument that is wrong.
 * @throws {StoreMisconfiguredError} for a server that is too old, and for a bucket that is configured in another way.
 * @throws {StoreUnavailableError} when the server is out of reach.
 */
export function natsStore(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
  return openNatsStore(connection, options, sendingAsItPays);
}

/** As {@link natsStore}, with a way of sending that the caller chooses. */
export async function openNatsStore(
  connection: NatsConnection,
  options: NatsStoreOptions,
  sending: Sending,
): Promise<NatsStore> {
  const resolved = resolveNatsStoreOptions(connection, options);
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: resolved.timeoutMs });
  return bucketStore(connection, jsm, resolved, sending);
}
