import type { Msg } from "@nats-io/nats-core";
import type { BrokerAnswer } from "./backend.ts";

/** Records the acknowledgements that replicas send to a consumer, from a subscription to `$JS.ACK.>`. */
export class AckLog {
  readonly #stream: string;
  readonly #answers = new Map<string, BrokerAnswer>();
  readonly #acknowledged = new Set<string>();

  constructor(stream: string) {
    this.#stream = stream;
  }

  get answers(): ReadonlyMap<string, BrokerAnswer> {
    return this.#answers;
  }

  /** Number of acknowledged messages. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Adds a message of `$JS.ACK.>`. */
  take(message: Pick<Msg, "subject" | "string">): void {
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.…, optionally with domain and account before the stream.
    const tokens = message.subject.split(".").slice(2);
    const [stream, , deliveries, sequence] = tokens.length > 7 ? tokens.slice(2) : tokens;
    const answer = answerOf(message.string());
    if (stream !== this.#stream || sequence === undefined || answer === undefined) return;
    this.#answers.set(`${sequence}.${deliveries ?? ""}`, answer);
    if (answer === "acknowledged") this.#acknowledged.add(sequence);
  }
}

function answerOf(payload: string): BrokerAnswer | undefined {
  if (payload === "" || payload.startsWith("+ACK")) return "acknowledged";
  if (payload.startsWith("-NAK")) return "nak";
  return payload.startsWith("+TERM") ? "terminated" : undefined;
}
