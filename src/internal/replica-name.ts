import { builtin } from "./builtin.ts";
import { randomHex } from "./random-hex.ts";

/** Returns a name for this process that no other has, and that shows people where it runs. */
export function replicaName(): string {
  const place = builtin === undefined ? "browser" : `${builtin("node:os").hostname()}/${process.pid}`;
  return `${place}/${randomHex(4)}`;
}
