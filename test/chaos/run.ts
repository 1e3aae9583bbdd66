import { randomInt } from "node:crypto";
import { relative } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { discard, expedition } from "./expedition.ts";
import { progressLine } from "./report.ts";

// `npm run chaos`: a long campaign against a real cluster. Exits with 1 when anything happened that must not.

const atLeast =
  (min: number) =>
  (value: string): number => {
    const parsed = Number(value);
    if (Number.isFinite(parsed) && parsed >= min) return parsed;
    throw new InvalidArgumentError(`It must be a number of at least ${min}.`);
  };
const program = new Command("npm run chaos --")
  .description(
    "Runs workers under load on a cluster of three nats-servers, harms both, and judges what was written down.",
  )
  .option("--minutes <number>", "how long there are load and faults", atLeast(0.1), 30)
  .option("--seed <number>", "decides faults, load and effects; random if not given", atLeast(0))
  .option("--workers <number>", "how many worker processes there are at a time", atLeast(1), 3)
  .option("--rate <number>", "how many events a second are published", atLeast(0.1), 25)
  .option("--keep", "keep histories and logs although all is well")
  .parse();
const options = program.opts<{ minutes: number; seed?: number; workers: number; rate: number; keep?: true }>();
const seed = Math.floor(options.seed ?? randomInt(2 ** 31));
const forMs = options.minutes * 60_000;

console.log(`Seed ${seed}`);
const outcome = await expedition("run", {
  seed,
  forMs,
  workers: Math.floor(options.workers),
  eventsPerSecond: options.rate,
  onProgress: (progress) => console.log(progressLine(progress, forMs)),
});
console.log(outcome.report);
if (outcome.findings.length === 0 && options.keep !== true) discard(outcome);
else console.log(`Histories and logs are in ${relative(process.cwd(), outcome.folder)}`);
process.exitCode = outcome.findings.length === 0 ? 0 : 1;
