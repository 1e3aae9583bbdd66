import { startNats } from "../support/nats-server.ts";
import { median, type Rate, takeTurns } from "./measure.ts";
import { table } from "./table.ts";
import type { TelemetrySetup } from "./telemetry-worker.ts";
import { type Round, startWorker, type Worker } from "./worker-channel.ts";

// Guards with and without metrics and traces, in turns, each in a process of its own. Runs without tsx, which makes every closure
// slower: node scripts/node-runtime.mjs 24 --expose-gc test/bench/telemetry-cost.ts [rounds]

const ROUNDS = Number(process.argv[2] ?? 20);
const WARM_UP_ROUNDS = 3;
const ARMS: readonly TelemetrySetup["telemetry"][] = ["without", "metrics", "metrics and traces"];

async function compare(name: string, events: number, url?: string): Promise<string[][]> {
  await using workers = new AsyncDisposableStack();
  const arms = ARMS.map(
    (telemetry): Worker<Round, Rate> =>
      workers.use(startWorker(new URL("telemetry-worker.ts", import.meta.url), { telemetry, url })),
  );
  const rates = await takeTurns(arms, { rounds: WARM_UP_ROUNDS + ROUNDS }, (arm, round) => arm.ask({ round, events }));
  const measured = [...rates.values()].map((ofArm) => ofArm.slice(WARM_UP_ROUNDS));
  const plain = measured[0] ?? [];
  const medianOf = (figure: (rate: Rate, plain: Rate) => number, ofArm: readonly Rate[]): number =>
    median(ofArm.map((rate, round) => figure(rate, plain[round] ?? rate)));
  return measured.map((ofArm, index) => [
    name,
    ARMS[index] ?? "",
    medianOf(({ perSecond }) => perSecond, ofArm).toFixed(0),
    medianOf(({ perSecond }, without) => perSecond / without.perSecond, ofArm).toFixed(3),
    medianOf(({ cpuUs }) => cpuUs, ofArm).toFixed(1),
    medianOf(({ cpuUs }, without) => cpuUs - without.cpuUs, ofArm).toFixed(1),
  ]);
}

await using server = await startNats();
const rows = [...(await compare("memory store", 30_000)), ...(await compare("NATS, one replica", 6_000, server.url))];
console.log(table(["store", "telemetry", "guards/s", "ratio", "CPU, µs", "more, µs"], rows));
