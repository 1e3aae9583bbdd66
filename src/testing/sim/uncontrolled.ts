const REMEDY = [
  "A run can then not be repeated, so nothing is judged. What to do:",
  "  - instead of `setTimeout` and `Date`: the replica's `clock`",
  "  - instead of a connection to a store: the replica's `store`, or its `kv`",
  "  - instead of what it does to the world (a request, a query): the replica's `effect`",
  "  - anything else that is real (a file, a thread, a socket): do it before the simulation, or pass in a substitute",
].join("\n");

/** The handler under test awaits something that the simulation does not control. */
export class UncontrolledError extends Error {
  override readonly name = "UncontrolledError";

  constructor(what: string) {
    super(`${what}: a timer, a socket, a file or a thread, or a promise that nobody settles.\n${REMEDY}`);
  }
}
