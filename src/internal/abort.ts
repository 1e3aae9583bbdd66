import { BoxedMap } from "./boxed-map.ts";

interface Waiters {
  /** Boxed, because most callers wait for a short time. */
  readonly all: BoxedMap<number, () => void>;
  readonly leave: () => void;
}

/** One listener per signal, however many callers wait on it: Node warns about many listeners. */
const waiters = new WeakMap<AbortSignal, Waiters>();

let lastWaiter = 0;

/** Calls `run` when the signal aborts. Call the returned function to stop listening. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const group = waiters.get(signal) ?? listen(signal);
  lastWaiter += 1;
  const waiter = lastWaiter;
  group.all.set(waiter, run);
  return () => {
    group.all.delete(waiter);
    if (group.all.size === 0) group.leave();
  };
}

function listen(signal: AbortSignal): Waiters {
  const all = new BoxedMap<number, () => void>();
  const wakeAll = (): void => {
    for (const run of all.values()) run();
  };
  const group = {
    all,
    leave: () => {
      signal.removeEventListener("abort", wakeAll);
      if (waiters.get(signal) === group) waiters.delete(signal);
    },
  };
  signal.addEventListener("abort", wakeAll, { once: true });
  waiters.set(signal, group);
  return group;
}

/**
 * Returns a signal that aborts with the reason of the first source that aborts. Call `unlink` when it is no longer needed. Unlike
 * `AbortSignal.any`, it leaves nothing at a long-lived source then.
 */
export function linkedSignal(...sources: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  readonly unlink: () => void;
} {
  const controller = new AbortController();
  const left = sources.map((source) => onAbort(source, () => controller.abort(source.reason)));
  const aborted = sources.find((source) => source.aborted);
  if (aborted !== undefined) controller.abort(aborted.reason);
  return {
    signal: controller.signal,
    unlink: () => {
      for (const leave of left) leave();
    },
  };
}

/** Settles like `promise`, or rejects with the signal's reason as soon as the signal aborts. */
export function abortable<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) {
      stop();
      promise.catch(() => {});
      return;
    }
    const leave = onAbort(signal, stop);
    promise.then(
      (value) => {
        leave();
        resolve(value);
      },
      (error: unknown) => {
        leave();
        reject(error);
      },
    );
  });
}
