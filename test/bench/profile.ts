import { startCluster, startNats } from "../support/nats-server.ts";
import { consumerContestants } from "./consumers.ts";
import type { Contestant } from "./contestant.ts";
import type { CpuProfile } from "./cpu-profile.ts";
import { shown } from "./figures.ts";
import { PROFILE } from "./measure.ts";
import { memoryContestants } from "./memory-store.ts";
import { natsContestants } from "./nats.ts";
import { table } from "./table.ts";

// `npm run bench:profile`: shows where the main thread's time goes, each contestant in a process of its own.

const EVENTS = 20_000;
const WARM_UP_ROUNDS = 4;
process.env[PROFILE] = "yes";

await using disposables = new AsyncDisposableStack();
const server = disposables.use(await startNats());
const cluster = disposables.use(await startCluster({ size: 3 }));
const common = { storage: "", events: EVENTS };
const one = disposables.use(
  natsContestants({ ...common, name: "one replica", urls: [server.url], replicas: 1, fastest: "singly" }),
);
const three = disposables.use(
  natsContestants({ ...common, name: "three replicas", urls: cluster.urls, replicas: 3, fastest: "in batches" }),
);
const consumers = disposables.use(consumerContestants(server.url, EVENTS));
const memory = disposables.use(memoryContestants());
const contestants: ReadonlyMap<string, Contestant> = new Map([
  ["guard, memory store", memory.guards],
  ["guard, one replica", one.guards],
  ["guard, three replicas", three.guards],
  ["bare client, one replica", one.bare],
  ["message in `consume`", consumers.consume],
  ["plain consumer, two compare-and-sets", consumers.plain],
]);
const profiles = new Map<string, CpuProfile>();
for (const [name, contestant] of contestants) {
  for (let round = 1; round <= WARM_UP_ROUNDS; round += 1) {
    console.error(`${name}, round ${round} of ${WARM_UP_ROUNDS}`);
    const { profile } = await contestant.rate(String(round));
    if (profile !== undefined) profiles.set(name, profile);
  }
}
const columns = [...profiles.values()].map(
  ({ byOwner }) => [...Object.entries(byOwner), ["sum", sumOf(byOwner)]] as const,
);
const rows = (columns[0] ?? []).map(([owner], index) => [
  owner,
  ...columns.map((column) => shown(column[index]?.[1] ?? 0)),
]);
console.log("Time of the main thread for each event, in µs, without idle time and the profiler\n");
console.log(table(["", ...profiles.keys()], rows));
for (const [name, { byFunction }] of profiles) {
  console.log(`\nFunctions with the largest self time: ${name}\n`);
  console.log(
    table(
      ["function", "µs"],
      byFunction.map(([what, us]) => [what, shown(us)]),
    ),
  );
}

function sumOf(byOwner: CpuProfile["byOwner"]): number {
  return Object.values(byOwner).reduce((sum, us) => sum + us, 0);
}
