import { headers, type MsgHdrs, MsgHdrsImpl } from "@nats-io/nats-core";
import type { ReceivedMessage } from "../../src/nats/index.ts";

export interface MessageParts {
  /** Headers by name, or the bytes on the wire. */
  readonly headers?: Uint8Array | Readonly<Record<string, string | readonly string[]>>;
  readonly data?: Uint8Array | string;
  readonly subject?: string;
  readonly sequence?: number;
  readonly deliveries?: number;
}

/** Returns a message like one from a stream. */
export function receivedMessage(parts: MessageParts = {}): ReceivedMessage {
  const { data = "", subject = "events.test", sequence = 1, deliveries = 1 } = parts;
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const text = (): string => new TextDecoder().decode(bytes);
  const time = new Date(1_700_000_000_000);
  return {
    subject,
    data: bytes,
    get headers() {
      return messageHeaders(parts.headers);
    },
    sid: 1,
    seq: sequence,
    redelivered: deliveries > 1,
    info: {
      domain: "",
      account_hash: "",
      stream: "EVENTS",
      consumer: "worker",
      deliveryCount: deliveries,
      redelivered: deliveries > 1,
      streamSequence: sequence,
      deliverySequence: 1,
      timestampNanos: time.getTime() * 1e6,
      pending: 0,
    },
    time,
    timestamp: time.toISOString(),
    timestampNanos: BigInt(time.getTime()) * 1_000_000n,
    json: () => {
      throw new Error("No test calls it");
    },
    string: text,
  };
}

function messageHeaders(given: MessageParts["headers"]): MsgHdrs | undefined {
  if (given === undefined) return undefined;
  if (given instanceof Uint8Array) return MsgHdrsImpl.decode(given);
  const all = headers();
  for (const [name, values] of Object.entries(given)) {
    for (const value of typeof values === "string" ? [values] : values) all.append(name, value);
  }
  return all;
}
