import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { Command, InvalidArgumentError } from "commander";
import { Deduplicator } from "latchkey";
import { natsStore } from "latchkey/nats";
import { startNats } from "../support/nats-server.ts";
import { shown } from "./figures.ts";
import { type Need, needs, needsOf, type Sample, samplesOf } from "./needs.ts";
import { steadyLoad } from "./steady-load.ts";
import { table } from "./table.ts";

// `npm run bench:long`: a steady load for a long time, and the resources of client and server. Exits with 1 if they grow.

const LEASE_MS = 3_000;
const WINDOW_MS = 60_000;
const PARTS = 10;
/** Limit for the growth from parts 2 to 4 to the last three parts. The bucket fills during part 1. */
const GROWTH = 1.15;

const positive = (value: string): number => {
  const parsed = Number(value);
  if (parsed > 0) return parsed;
  throw new InvalidArgumentError("Expected a number above 0.");
};
const { minutes, rate } = new Command("npm run bench:long --")
  .option("--minutes <number>", "duration of the load", positive, 30)
  .option("--rate <number>", "events per second", positive, 500)
  .parse()
  .opts<{ minutes: number; rate: number }>();

await using server = await startNats();
const connection = await connect({ servers: server.url });
const store = await natsStore(connection, { bucket: "long" });
const dedup = new Deduplicator({ store, windowMs: WINDOW_MS, leaseMs: LEASE_MS });
const over = AbortSignal.timeout(minutes * 60_000);
const load = steadyLoad(dedup, { eventsPerSecond: rate, leaseMs: LEASE_MS, signal: over });
const samples = await samplesOf({ connection, bucket: "long", serverPid: server.pid, signal: over });
const counts = await load;
await dedup.close();
await connection.close();

const folder = join(import.meta.dirname, "../../.cache");
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "long-run.json"), `${JSON.stringify({ minutes, rate, counts, samples }, null, 2)}\n`);
console.log(
  `${minutes} minutes at ${rate} events/s: ${Object.entries(counts)
    .map(([what, n]) => `${shown(n)} ${what}`)
    .join(", ")}\n`,
);
const parts = Array.from({ length: PARTS }, (_, part) => needsOf(partOf(samples, part)));
const growth = needs.map((need) => average(parts.slice(-3), need) / average(parts.slice(1, 4), need));
console.log(
  table(
    ["minute", ...needs],
    [
      ...parts.map((part, index) => [shown((minutes / PARTS) * index), ...needs.map((need) => shown(part[need]))]),
      ["grown by", ...growth.map((factor) => `× ${shown(factor)}`)],
    ],
  ),
);
console.log("\nAs JSON: .cache/long-run.json");
if (growth.some((factor) => factor > GROWTH)) process.exitCode = 1;

function partOf(all: readonly Sample[], part: number): readonly Sample[] {
  const at = (index: number) => Math.floor((all.length * index) / PARTS);
  return all.slice(at(part), at(part + 1) + 1);
}

function average(some: typeof parts, need: Need): number {
  return some.reduce((sum, part) => sum + part[need], 0) / some.length;
}
