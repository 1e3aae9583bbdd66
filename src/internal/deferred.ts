/** A promise with its `resolve` and `reject` functions. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;
}

/** Creates a pending promise. */
export function deferred<Value>(): Deferred<Value> {
  let resolve: Deferred<Value>["resolve"] = unset;
  let reject: Deferred<Value>["reject"] = unset;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Replaced before it is returned. One function, because V8 would allocate two closures for each promise. */
function unset(): void {}
