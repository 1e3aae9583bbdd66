interface Waiters {
  readonly all: Set<() => void>;
  readonly leave: () => void;
}

/** One listener a signal, however many wait on it: a thousand calls may share a signal without a warning of the runtime. */
const waiters = new WeakMap<AbortSignal, Waiters>();

/** Calls `run` when the signal aborts, unless the returned function was called before. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const those = waiters.get(signal) ?? listen(signal);
  those.all.add(run);
  return () => {
    those.all.delete(run);
    if (those.all.size === 0) those.leave();
  };
}

function listen(signal: AbortSignal): Waiters {
  const all = new Set<() => void>();
  const wakeAll = (): void => {
    for (const run of all) run();
  };
  const those = {
    all,
    leave: () => {
      signal.removeEventListener("abort", wakeAll);
      if (waiters.get(signal) === those) waiters.delete(signal);
    },
  };
  signal.addEventListener("abort", wakeAll, { once: true });
  waiters.set(signal, those);
  return those;
}

/** Settles as `promise` does, or rejects with the signal's reason as soon as it aborts; without a signal it is `promise`. */
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
    promise.then(resolve, reject).finally(leave);
  });
}
