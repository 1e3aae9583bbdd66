import { callListener } from "../../internal/call-listener.ts";
import type { Clock } from "../../internal/clock.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { Audit, ConsumerAudit, MessageAudit } from "./audit.ts";
import type { ReceivedMessage } from "./received-message.ts";

/** Adds the consumer, the message and the time to audits, and passes them to the listener. */
export class Auditor {
  readonly #stream: string;
  readonly #consumer: string;
  readonly #clock: Clock;
  readonly #listener: ((audit: Audit) => void) | undefined;

  constructor(stream: string, consumer: string, clock: Clock, listener: ((audit: Audit) => void) | undefined) {
    this.#stream = stream;
    this.#consumer = consumer;
    this.#clock = clock;
    this.#listener = listener;
  }

  consumer(detail: ConsumerAudit): void {
    if (this.#listener !== undefined) callListener(this.#listener, { ...detail, ...this.#origin() });
  }

  message(message: ReceivedMessage, identity: ResolvedIdentity | undefined, detail: MessageAudit): void {
    if (this.#listener === undefined) return;
    callListener(this.#listener, {
      ...detail,
      ...this.#origin(),
      subject: message.subject,
      sequence: message.seq,
      deliveries: message.info.deliveryCount,
      ...(identity === undefined ? {} : { identity }),
    });
  }

  #origin(): Pick<Audit, "stream" | "consumer" | "atMs"> {
    return { stream: this.#stream, consumer: this.#consumer, atMs: this.#clock.wallMs() };
  }
}
