import type { Consumer, ConsumerInfo } from "@nats-io/jetstream";
import type { LatchkeyError } from "../../errors.ts";
import { onAbort } from "../../internal/abort.ts";
import { type Clock, delay } from "../../internal/clock.ts";
import { Deferred } from "../../internal/deferred.ts";
import { wholeNumber } from "../../internal/validate.ts";
import type { Auditor } from "./auditor.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import type { ConsumerFinding } from "./consumer-finding.ts";
import { ConsumerLoop } from "./consumer-loop.ts";
import type { ServerTime } from "./server-time.ts";

/** A third of the 30 s that Kubernetes waits before it kills a pod, so that commits and acknowledgements have time too. */
const DEFAULT_DRAIN_MS = 10_000;
/** Time in which an aborted dispatch may stop, in milliseconds. */
const ABORT_GRACE_MS = 1_000;

/** A consumer that dispatches messages until it is stopped. Disposing it stops it. */
export class RunningConsumer implements AsyncDisposable {
  readonly #loop: ConsumerLoop;
  readonly #clock: Clock;
  readonly #auditor: Auditor;
  readonly #finished = new Deferred<void>();
  readonly #unsubscribe: () => void;
  #loss: LatchkeyError | undefined;

  /** @internal `consume` is the public way to start a consumer. */
  constructor(
    source: Consumer,
    info: ConsumerInfo,
    warnings: readonly ConsumerFinding[],
    options: ResolvedConsumeOptions,
    auditor: Auditor,
    clock: Clock,
    time: ServerTime,
  ) {
    const { signal } = options;
    this.#clock = clock;
    this.#auditor = auditor;
    this.#loop = new ConsumerLoop(source, info, options, auditor, clock, time, (error) => this.#lose(error));
    this.#loop.report(warnings);
    this.#unsubscribe = signal === undefined ? () => {} : onAbort(signal, () => void this.stop());
    if (signal?.aborted === true) void this.stop();
    else this.#loop.start();
  }

  /**
   * Settles when all messages are answered. Resolves after a stop. Rejects with a {@link LatchkeyError} `closed` if the consumer was
   * deleted, or the connection or the deduplicator was closed. Rejects with `consumer-misconfigured` if the consumer changed to a
   * configuration that `consume` would refuse. Always handle the rejection: nothing is dispatched after it.
   */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /**
   * Stops gracefully. Fetches nothing new, naks messages that were not begun, and waits `drainMs` for running dispatches. Then it
   * aborts their signals and naks their messages. After one more second it no longer waits for dispatches that still run.
   * A later call with less time shortens the wait.
   * @param options.drainMs Time for running dispatches, in milliseconds. @default 10_000
   */
  async stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = wholeNumber("drainMs", options.drainMs ?? DEFAULT_DRAIN_MS, 0);
    const drained = this.#loop.drain();
    void this.#forceStopAfter(drainMs);
    await drained;
    this.#unsubscribe();
    if (this.#loss === undefined) this.#finished.resolve();
    else this.#finished.reject(this.#loss);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #forceStopAfter(drainMs: number): Promise<void> {
    const { ended } = this.#loop;
    if (drainMs > 0) await delay(this.#clock, drainMs, [ended]);
    this.#loop.forceStop();
    await delay(this.#clock, ABORT_GRACE_MS, [ended]);
    this.#loop.endGrace();
  }

  #lose(error: LatchkeyError): void {
    this.#loss = error;
    this.#auditor.consumer({ type: "trigger.consumer.lost", error });
    void this.stop();
  }
}
