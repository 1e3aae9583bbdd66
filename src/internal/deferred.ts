/** A pending promise with its `resolve` and `reject` functions. See "What waits is a class instance" in docs/performance.md. */
export class Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;

  constructor() {
    let resolve: Deferred<Value>["resolve"] = unset;
    let reject: Deferred<Value>["reject"] = unset;
    this.promise = new Promise<Value>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** Replaced before it is used. One function, because V8 would allocate two closures for each promise. */
function unset(): void {}
