import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { goalTable, shown } from "./figures.ts";
import { benchKeyMemory } from "./key-memory.ts";
import { median } from "./measure.ts";
import { benchSpeed, cpuOf, rateOf, type Speed } from "./speed.ts";
import { table } from "./table.ts";

// `npm run bench`: compares guards with the bare client and with others, and measures the memory of keys.

const { quick: isQuick = false, only = [] } = new Command("npm run bench --")
  .option("--quick", "measure only the main ratios, in about a minute")
  .option("--only <text...>", "measure only the rows whose names contain one of the texts, without the memory of keys")
  .parse()
  .opts<{ quick?: boolean; only?: readonly string[] }>();
const resultFile = join(import.meta.dirname, "../../.cache", isQuick ? "bench-quick.json" : "bench.json");
const startedAt = performance.now();
const onProgress = (line: string): void => {
  console.error(`${String(Math.round((performance.now() - startedAt) / 1_000)).padStart(5)} s  ${line}`);
};

const { speeds, figures: speedFigures } = await benchSpeed({ isQuick, only, onProgress });
const measuresMemory = !isQuick && only.length === 0;
if (measuresMemory) onProgress("memory of keys");
const { memory, figures: memoryFigures } = measuresMemory ? await benchKeyMemory() : { memory: [], figures: [] };
const figures = [...speedFigures, ...memoryFigures];
const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model ?? "unknown" };

console.log(`Events reserved and committed by one process; Node.js ${machine.node}, ${machine.cores} cores\n`);
console.log(
  table(
    ["", "events/s", "from", "to", "× bare", "CPU µs", "p50 µs", "p99 µs", "storage", "fence", "lease"],
    speeds.map((speed) => speedRow(speed, speeds[0])),
  ),
);
console.log(`
events/s: 512 events at a time (HTTP: 64 requests); the median, lowest and highest of the rounds. × bare: compared with the first row.
CPU: time of the contestant's process for each event, servers excluded; of the HTTP server for the rows of HTTP.
Each row has a process of its own, as a service has.
prepared bytes: the same writes, prepared before the measurement; the speed of the servers for a client without cost.
p50, p99: latency of one event at a time; medians of the rounds.
A goal that compares two rows is the median of the ratios of their rounds, because a shared machine changes its speed.
storage: where an event is stored when it is acknowledged. fence: whether an earlier holder can no longer write to the key.
lease: how the reservation of a handler that hangs or crashes ends.
`);
if (memory.length > 0) {
  const rows = memory.map(({ what, bytes }) => [what, shown(bytes)]);
  console.log(`${table(["a key of the memory store", "bytes"], rows)}\n`);
}
console.log(goalTable(figures));
await mkdir(join(resultFile, ".."), { recursive: true });
await writeFile(resultFile, `${JSON.stringify({ machine, speeds, memory, figures }, null, 2)}\n`);
console.log(`\nAs JSON: ${resultFile}`);

function speedRow(speed: Speed, first: Speed | undefined): readonly string[] {
  const { name, guarantees, rates, latencies, error } = speed;
  const perSecond = rates.map((each) => each.perSecond);
  const rate = rateOf(speed);
  const guaranteed = [guarantees.storage, guarantees.fence, guarantees.lease];
  if (error !== undefined || rate === undefined) {
    return [`${name}: failed, ${error ?? "no result"}`, "", "", "", "", "", "", "", ...guaranteed];
  }
  const time = (times: readonly number[]) => (times.length === 0 ? "" : shown(median(times)));
  return [
    name,
    shown(rate),
    shown(Math.min(...perSecond)),
    shown(Math.max(...perSecond)),
    (rate / (rateOf(first) ?? Number.NaN)).toFixed(2),
    shown(cpuOf(speed) ?? Number.NaN),
    time(latencies.map(({ p50Us }) => p50Us)),
    time(latencies.map(({ p99Us }) => p99Us)),
    ...guaranteed,
  ];
}
