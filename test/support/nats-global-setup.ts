import { findNatsServer } from "../../scripts/nats-server.mjs";

/** Finds the nats-server once per run. The workers inherit the environment. */
export async function setup(): Promise<void> {
  const found = await findNatsServer();
  if ("missing" in found) {
    process.env["LATCHKEY_NATS_MISSING"] = found.missing;
    console.log(`Tests that need a nats-server are skipped: ${found.missing}`);
  } else {
    process.env["LATCHKEY_NATS_SERVER"] = found.path;
    console.log(`nats-server ${found.version} (${found.source}): ${found.path}`);
  }
}
