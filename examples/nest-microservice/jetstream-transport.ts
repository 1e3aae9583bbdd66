import { type CustomTransportStrategy, Server } from "@nestjs/microservices";
import { PermanentError } from "latchkey";
import type { Dispatch, RunningConsumer } from "latchkey/nats";
import { lastValueFrom } from "rxjs";

/** Starts a consumer that passes its messages to `dispatch`. */
export type StartConsumer = (dispatch: Dispatch) => Promise<RunningConsumer>;

/**
 * A transport whose messages come from JetStream, each event once. A message goes to the `@EventPattern` of its subject. `@Payload` is its
 * JSON, and `@Ctx` has its reservation.
 */
export class JetStreamTransport extends Server implements CustomTransportStrategy {
  readonly #start: StartConsumer;
  #running: RunningConsumer | undefined;

  constructor(start: StartConsumer) {
    super();
    this.#start = start;
  }

  listen(callback: (error?: unknown) => void): void {
    this.#start(this.#dispatch).then((running) => {
      this.#running = running;
      callback();
    }, callback);
  }

  /** Rejects if the consumer was deleted or the connection closed. */
  get finished(): Promise<void> {
    return this.#running?.finished ?? Promise.resolve();
  }

  /** Lets running handlers end. Messages that wait for one go to the other replicas. */
  async close(): Promise<void> {
    await this.#running?.stop({ drainMs: 30_000 });
  }

  on(): never {
    throw new Error("This transport has no events");
  }

  unwrap(): never {
    throw new Error("This transport has no driver");
  }

  readonly #dispatch: Dispatch = async (message, context) => {
    const handler = this.getHandlerByPattern(message.subject);
    if (handler === null) throw new PermanentError(`No handler has the pattern ${message.subject}`);
    const result = this.transformToObservable(await handler(message.json(), context));
    return lastValueFrom(result, { defaultValue: undefined });
  };
}
