const REMEDY = [
  "Such a run cannot be repeated, so it is not judged. Replace:",
  "  - `setTimeout` and `Date` by the replica's `clock`",
  "  - a connection to a store by the replica's `store`, or its `kv`",
  "  - an action in the outside world (a request, a query) by the replica's `effect`",
  "  - any other real I/O (a file, a thread, a socket) by a substitute, or run it before the simulation",
].join("\n");

/** The handler under test awaits something that the simulation does not control. */
export class UncontrolledError extends Error {
  override readonly name = "UncontrolledError";

  constructor(what: string) {
    super(`${what}: a timer, a socket, a file, a thread, or a promise that never settles.\n${REMEDY}`);
  }
}
