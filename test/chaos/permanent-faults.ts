import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import type { NatsServer } from "../support/nats-server.ts";
import type { Targets } from "./nemesis.ts";

/** A fault that never heals while anything is left to do. Returns the function that ends it. */
export type PermanentFault = (targets: Targets) => Promise<() => Promise<void>>;

const LEADS_WITHIN_MS = 60_000;
/** Times of a slow server in a cycle, in milliseconds: it hangs for four fifths of the time. */
const SLOW = { hangsMs: 400, runsMs: 100 };

async function leaderOf({ cluster, bucketStream }: Targets): Promise<NatsServer> {
  return eventually(`${bucketStream} has a leader`, () => cluster.leaderOf(bucketStream), LEADS_WITHIN_MS);
}

/** The faults of the liveness mode. They hit the leader of the bucket where they hit a server. */
export const permanentFaults: Readonly<Record<string, PermanentFault>> = {
  "no fault": async () => async () => {},

  "a worker is cut off": async ({ workers }) => {
    const worker = workers.slot(0);
    worker.disconnect("swallow");
    return async () => worker.reconnect();
  },

  "a server is slow": async (targets) => {
    const server = await leaderOf(targets);
    const over = new AbortController();
    const hanging = (async () => {
      while (!over.signal.aborted) {
        await server.kill("SIGSTOP");
        await pause(SLOW.hangsMs);
        await server.kill("SIGCONT");
        await pause(SLOW.runsMs);
      }
    })();
    return async () => {
      over.abort();
      await hanging;
    };
  },

  "a server is heard, but hears no other": async (targets) => {
    const { cluster, routes } = targets;
    const index = cluster.servers.indexOf(await leaderOf(targets));
    routes.deafen(index);
    return async () => routes.heal();
  },
};
