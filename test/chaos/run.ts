import { randomInt } from "node:crypto";
import { relative } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";
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
  .option("--minutes <number>", "duration of load and faults", atLeast(0.1), 30)
  .option("--seed <number>", "decides faults, load and effects; random by default", atLeast(0))
  .option("--workers <number>", "number of worker processes", atLeast(1), 3)
  .option("--rate <number>", "events published per second", atLeast(0.1), 25)
  .option("--keep", "keep histories and logs even if no rule was broken")
  .parse();
const options = program.opts<{ minutes: number; seed?: number; workers: number; rate: number; keep?: true }>();
const seed = Math.floor(options.seed ?? randomInt(2 ** 31));
const forMs = options.minutes * 60_000;

console.log(`Seed ${seed}`);
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
process.exitCode = passed ? 0 : 1;
