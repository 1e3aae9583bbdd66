import { findNatsServer } from "../../scripts/nats-server.mjs";

let path: Promise<string> | undefined;

/** Returns the path of the nats-server binary for the tests. @throws {Error} With the reason if there is none. */
export function natsBinary(): Promise<string> {
  path ??= findNatsServer().then((found) => {
    if ("missing" in found) throw new Error(found.missing);
    return found.path;
  });
  return path;
}
