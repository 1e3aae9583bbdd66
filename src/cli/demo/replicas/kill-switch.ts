import type { Clock } from "../../../internal/clock.ts";
import type { Store } from "../../../model/store.ts";

/** Simulates `kill -9` on a replica: once killed, nothing that it awaits settles. */
export class KillSwitch {
  readonly #controller = new AbortController();

  get isKilled(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Aborts when the process is killed, to close its sockets. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  kill(): void {
    this.#controller.abort();
  }

  /** Settles as `promise` does, or never if the process is killed first. */
  async unlessKilled<Value>(promise: Promise<Value>): Promise<Value> {
    try {
      const value = await promise;
      return this.isKilled ? await never() : value;
    } catch (error) {
      return this.isKilled ? await never() : raise(error);
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function raise(error: unknown): never {
  throw error;
}

/** Wraps a store for a process that can be killed: its last requests may still be applied, but never settle. */
export function killableStore(store: Store, killSwitch: KillSwitch): Store {
  const send = <Value>(request: () => Promise<Value>): Promise<Value> =>
    killSwitch.unlessKilled(killSwitch.isKilled ? never() : request());
  const { maxWindowMs } = store;
  const remove = store.remove?.bind(store);
  return {
    ...(maxWindowMs === undefined ? {} : { maxWindowMs }),
    put: (key, record, how) => send(() => store.put(key, record, how)),
    get: (key) => send(() => store.get(key)),
    ...(remove === undefined ? {} : { remove: (key, how) => send(() => remove(key, how)) }),
  };
}

/** Wraps a clock for a process that can be killed: its timers stop. */
export function killableClock(clock: Clock, killSwitch: KillSwitch): Clock {
  const pending = new Set<() => void>();
  killSwitch.signal.addEventListener("abort", () => {
    for (const cancel of pending) cancel();
  });
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    schedule(delayMs, run) {
      if (killSwitch.isKilled) return () => {};
      const cancel = clock.schedule(delayMs, () => {
        pending.delete(cancel);
        run();
      });
      pending.add(cancel);
      return () => {
        pending.delete(cancel);
        cancel();
      };
    },
  };
}
