import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { goalText, isReached, shown } from "./figures.ts";
import { benchKeyMemory } from "./key-memory.ts";
import { median } from "./measure.ts";
import { benchSpeed, rateOf, type Speed } from "./speed.ts";
import { table } from "./table.ts";

const resultFile = join(import.meta.dirname, "../../.cache/bench.json");

const { speeds, figures: speedFigures } = await benchSpeed();
const { memory, figures: memoryFigures } = await benchKeyMemory();
const figures = [...speedFigures, ...memoryFigures];
const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model ?? "unknown" };

console.log(`Events, each reserved and committed, by one process; Node.js ${machine.node}, ${machine.cores} cores\n`);
console.log(
  table(
    ["", "events/s", "from", "to", "× bare", "p50 µs", "p99 µs", "kept by", "fence", "lease"],
    speeds.map((speed) => speedLine(speed, speeds[0])),
  ),
);
console.log(`
events/s: 512 at a time, the median of the rounds, the lowest and the highest. × bare: of the first line.
bytes prepared beforehand: the same writes, put together before the clock runs: what the servers give to a client that costs nothing.
p50, p99: how long one event takes when no other is under way, the medians of the rounds.
kept by: what has an event when it is acknowledged. fence: whether who lost a key cannot write over it any more.
lease: what becomes of an event whose handler hangs or crashes.
`);
console.log(
  table(
    ["a key of the memory store", "bytes"],
    memory.map(({ what, bytes }) => [what, shown(bytes)]),
  ),
);
console.log("");
console.log(
  table(
    ["goal", "is", "to be", ""],
    figures.map((figure) => [
      figure.what,
      figure.is === undefined ? "not measured" : shown(figure.is),
      goalText(figure),
      isReached(figure) ? "reached" : "missed",
    ]),
  ),
);
await mkdir(join(resultFile, ".."), { recursive: true });
await writeFile(resultFile, `${JSON.stringify({ machine, speeds, memory, figures }, null, 2)}\n`);
console.log(`\nAs JSON: .cache/bench.json`);

function speedLine(speed: Speed, first: Speed | undefined): readonly string[] {
  const { name, promises, perSecond, alone } = speed;
  const rate = median(perSecond);
  const time = (times: readonly number[]) => (times.length === 0 ? "" : shown(median(times)));
  return [
    name,
    shown(rate),
    shown(Math.min(...perSecond)),
    shown(Math.max(...perSecond)),
    (rate / (rateOf(first) ?? Number.NaN)).toFixed(2),
    time(alone.map(({ p50Us }) => p50Us)),
    time(alone.map(({ p99Us }) => p99Us)),
    promises.keptBy,
    promises.fence,
    promises.lease,
  ];
}
