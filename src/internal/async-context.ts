/** A value that follows the code of one call through all its awaits. */
export interface AsyncContext<Value> {
  /** Calls `inside` with `argument`. In it, {@link current} returns `value`. The argument saves a closure. */
  run<Argument, Result>(value: Value, inside: (argument: Argument) => Result, argument: Argument): Result;
  /** Returns the value of the innermost `run` around the calling code. */
  current(): Value | undefined;
}

/** Creates a context. Where the runtime cannot follow calls, as in a browser, `current` always returns `undefined`. */
export function asyncContext<Value>(): AsyncContext<Value> {
  // No import: a bundler for browsers could not resolve it.
  const hooks = "process" in globalThis ? process.getBuiltinModule("node:async_hooks") : undefined;
  if (hooks === undefined) return { run: (_, inside, argument) => inside(argument), current: () => undefined };
  const storage = new hooks.AsyncLocalStorage<Value>();
  return { run: (value, inside, argument) => storage.run(value, inside, argument), current: () => storage.getStore() };
}
