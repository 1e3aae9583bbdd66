import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";

/** A payload as long as Latchkey's records. */
export const PAYLOAD = JSON.stringify({
  v: 1,
  workspaceId: "default",
  subscriptionId: "bench",
  eventId: "many-0-00000",
  owner: "bench/0/00000000",
  token: "00000000-0000-0000-0000-000000000000",
  attempt: 1,
  fence: 0,
  leaseMs: 30_000,
  atMs: 1_700_000_000_000,
  state: "reserved",
});

/** The common part of the keys, as long as in Latchkey's keys. */
const TOKENS = `${"w".repeat(16)}.${"s".repeat(16)}.`;
const DIGEST_LENGTH = 43;

/** Returns a key as long and as evenly spread as Latchkey's, at almost no cost. Servers take longer for such keys. */
export function keyOf(id: string): string {
  let spread = 0;
  for (let index = 0; index < id.length; index += 1) spread = Math.imul(spread ^ id.charCodeAt(index), 0x9e3779b1);
  return TOKENS + `${(spread >>> 0).toString(36)}-${id}`.padEnd(DIGEST_LENGTH, "-");
}

export const RESERVATION_S = 32;
export const WINDOW_S = 86_400;

/** Writes the two compare-and-sets of an event with the bare NATS client. */
export class BareClient {
  readonly #js: JetStreamClient;
  readonly #bucket: string;

  constructor(connection: NatsConnection, bucket: string) {
    this.#js = jetstream(connection);
    this.#bucket = bucket;
  }

  async pair(id: string): Promise<void> {
    const subject = this.#subject(keyOf(`bare-${id}`));
    const expect = { streamName: `KV_${this.#bucket}`, lastSubjectSequence: 0 };
    const { seq } = await this.#js.publish(subject, PAYLOAD, { ttl: `${RESERVATION_S}s`, expect });
    const committing = { ttl: `${WINDOW_S}s`, expect: { ...expect, lastSubjectSequence: seq } };
    await this.#js.publish(subject, PAYLOAD, committing);
  }

  /** Writes `count` pairs as two batches: all reservations, then all commits. */
  async pairs(name: string, count: number): Promise<void> {
    const keys = Array.from({ length: count }, (_, index) => keyOf(`batch-${name}-${index}`));
    const first = await this.batch(keys, RESERVATION_S, () => 0);
    await this.batch(keys, WINDOW_S, (index) => first + index);
  }

  /** Returns the revision of the first write; the other writes have the following ones. */
  async batch(keys: readonly string[], ttlSeconds: number, expectedOf: (index: number) => number): Promise<number> {
    // The client has no options for these headers in a batch.
    const how = (index: number) => {
      const fields = headers();
      fields.append("Nats-Expected-Stream", `KV_${this.#bucket}`);
      fields.append("Nats-Expected-Last-Subject-Sequence", String(expectedOf(index)));
      fields.append("Nats-TTL", `${ttlSeconds}s`);
      return { headers: fields, timeout: 30_000 };
    };
    const last = keys.length - 1;
    const batch = await this.#js.startBatch(this.#subject(keys[0]), PAYLOAD, how(0));
    for (let index = 1; index < last; index += 1) batch.add(this.#subject(keys[index]), PAYLOAD, how(index));
    const { seq } = await batch.commit(this.#subject(keys[last]), PAYLOAD, how(last));
    return seq - last;
  }

  #subject(key = ""): string {
    return `$KV.${this.#bucket}.${key}`;
  }
}
