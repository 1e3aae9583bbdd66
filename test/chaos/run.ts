import { randomInt } from "node:crypto";
import { relative } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";
import { errorsIn, runEffectsCampaign } from "./effects/effects-campaign.ts";
import { booksText } from "./effects/effects-report.ts";
import { livenessLine, measureLiveness } from "./liveness.ts";
import { progressLine } from "./report.ts";

// `npm run chaos`: a long campaign against a real cluster. Exits with 1 if a rule was broken.

const atLeast =
  (min: number) =>
  (value: string): number => {
    const parsed = Number(value);
    if (Number.isFinite(parsed) && parsed >= min) return parsed;
    throw new InvalidArgumentError(`Expected a number of at least ${min}.`);
  };
const program = new Command("npm run chaos --")
  .description("Runs workers under load on three nats-servers, injects faults into both, and judges their histories.")
  .option("--minutes <number>", "duration of load and faults (default: 30, with --liveness 1 for each)", atLeast(0.1))
  .option("--seed <number>", "decides faults, load and effects; random by default", atLeast(0))
  .option("--workers <number>", "number of worker processes", atLeast(1), 3)
  .option("--rate <number>", "events published per second", atLeast(0.1), 25)
  .option("--keep", "keep histories and logs even if no rule was broken")
  .option("--liveness", "instead: faults that never heal, one at a time, and the progress of the rest")
  .option("--effects", "instead: effects in PostgreSQL, with kills between each effect and its commit")
  .option("--events <number>", "with --effects: number of events", atLeast(1), 20_000)
  .option("--kills <number>", "with --effects: approximate number of killed processes", atLeast(0), 1_000)
  .parse();
interface Flags {
  readonly minutes?: number;
  readonly seed?: number;
  readonly workers: number;
  readonly rate: number;
  readonly keep?: true;
  readonly liveness?: true;
  readonly effects?: true;
  readonly events: number;
  readonly kills: number;
}
const options = program.opts<Flags>();
const PROGRESS_EVERY_MS = 10_000;
const seed = Math.floor(options.seed ?? randomInt(2 ** 31));
const forMs = (options.minutes ?? (options.liveness === true ? 1 : 30)) * 60_000;

console.log(`Seed ${seed}`);
const run = options.effects === true ? effects : options.liveness === true ? liveness : guarantees;
process.exitCode = (await run()) ? 0 : 1;

/** Returns true if no rule was broken. */
async function guarantees(): Promise<boolean> {
  const campaign = await checkedCampaign("run", {
    seed,
    forMs,
    workers: Math.floor(options.workers),
    eventsPerSecond: options.rate,
    onProgress: (progress) => console.log(progressLine(progress, forMs)),
  });
  console.log(campaign.report);
  const passed = campaign.violations.length === 0;
  if (passed && options.keep !== true) deleteLogs(campaign);
  else console.log(`Histories and logs: ${relative(process.cwd(), campaign.folder)}`);
  return passed;
}

/** Returns true if the rest made progress under each fault, and no rule was broken. */
async function liveness(): Promise<boolean> {
  let passed = true;
  const load = { seed, forMs, workers: Math.floor(options.workers), eventsPerSecond: options.rate };
  for await (const progress of measureLiveness(load)) {
    console.log(livenessLine(progress));
    passed &&= progress.unacknowledged === 0 && progress.violations.length === 0;
  }
  return passed;
}

/** Returns true if each effect is in the books once. */
async function effects(): Promise<boolean> {
  let reportedAtMs = 0;
  const books = await runEffectsCampaign({
    seed,
    events: Math.floor(options.events),
    kills: Math.floor(options.kills),
    workers: Math.floor(options.workers),
    servers: 3,
    onProgress(line) {
      if (performance.now() - reportedAtMs < PROGRESS_EVERY_MS) return;
      reportedAtMs = performance.now();
      console.log(line);
    },
  });
  console.log(booksText(books));
  return errorsIn(books).length === 0;
}
