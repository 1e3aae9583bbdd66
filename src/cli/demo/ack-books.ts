import type { Msg } from "@nats-io/nats-core";
import type { Answer } from "./world.ts";

/** The answers that replicas sent to a consumer, as somebody else on the server overhears them. */
export class AckBooks {
  readonly #stream: string;
  readonly #answers = new Map<string, Answer>();
  readonly #acknowledged = new Set<string>();

  constructor(stream: string) {
    this.#stream = stream;
  }

  get answers(): ReadonlyMap<string, Answer> {
    return this.#answers;
  }

  /** How many messages were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Takes what was overheard on `$JS.ACK.>`. */
  take(message: Pick<Msg, "subject" | "string">): void {
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.…, or with the domain and the account before the stream.
    const tokens = message.subject.split(".").slice(2);
    const [stream, , deliveries, sequence] = tokens.length > 7 ? tokens.slice(2) : tokens;
    const answer = answerOf(message.string());
    if (stream !== this.#stream || sequence === undefined || answer === undefined) return;
    this.#answers.set(`${sequence}.${deliveries ?? ""}`, answer);
    if (answer === "acknowledged") this.#acknowledged.add(sequence);
  }
}

function answerOf(payload: string): Answer | undefined {
  if (payload === "" || payload.startsWith("+ACK")) return "acknowledged";
  if (payload.startsWith("-NAK")) return "put back";
  return payload.startsWith("+TERM") ? "terminated" : undefined;
}
