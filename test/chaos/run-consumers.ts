import { setTimeout as pause } from "node:timers/promises";

const RETRY_AFTER_MS = 200;

/** A consumer that runs until the worker is stopped. */
export interface StartedConsumer {
  readonly finished: Promise<void>;
}

export interface RunConsumersOptions {
  /** Aborts when the worker must stop. */
  readonly stop: AbortSignal;
  readonly onStartFailed: (error: unknown) => void;
  /** Called once every consumer has started. */
  readonly onAllStarted: () => void;
}

/**
 * Starts every consumer and waits until the started ones have finished. A failed start is repeated until `stop` aborts.
 * A worker that is stopped early still finishes the messages of the consumers that have started.
 */
export async function runConsumers(
  starts: ReadonlyArray<() => Promise<StartedConsumer>>,
  { stop, onStartFailed, onAllStarted }: RunConsumersOptions,
): Promise<void> {
  const started = starts.map((start) => untilStarted(start, stop, onStartFailed));
  const running = started.map(async (consumer) => (await consumer)?.finished);
  const announced = Promise.all(started).then((all) => {
    if (all.every((consumer) => consumer !== undefined)) onAllStarted();
  });
  await Promise.all([announced, ...running]);
}

/** Repeats `attempt` until it succeeds. Returns `undefined` if `stop` aborts after a failure. */
export async function untilStarted<Value>(
  attempt: () => Promise<Value>,
  stop: AbortSignal,
  onFailed: (error: unknown) => void,
): Promise<Value | undefined> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      onFailed(error);
      await pause(RETRY_AFTER_MS, undefined, { signal: stop }).catch(() => {});
      if (stop.aborted) return undefined;
    }
  }
}
