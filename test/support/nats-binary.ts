import { findNatsServer } from "../../scripts/nats-server.mjs";

let path: Promise<string> | undefined;

/** The server that the tests run against. @throws {Error} that says why there is none. */
export function natsBinary(): Promise<string> {
  path ??= findNatsServer().then((found) => {
    if ("missing" in found) throw new Error(found.missing);
    return found.path;
  });
  return path;
}
