/** A value that follows the code of one call through all its awaits. */
export interface AsyncContext<Value> {
  /** Calls `inside`, in which {@link current} returns `value`. */
  run<Result>(value: Value, inside: () => Result): Result;
  /** Returns the value of the innermost `run` around the calling code. */
  current(): Value | undefined;
}

/** Creates a context. Where the runtime cannot follow calls, as in a browser, `current` always returns `undefined`. */
export function asyncContext<Value>(): AsyncContext<Value> {
  // No import: a bundler for browsers could not resolve it.
  const hooks = "process" in globalThis ? process.getBuiltinModule("node:async_hooks") : undefined;
  if (hooks === undefined) return { run: (_, inside) => inside(), current: () => undefined };
  const storage = new hooks.AsyncLocalStorage<Value>();
  return { run: (value, inside) => storage.run(value, inside), current: () => storage.getStore() };
}
