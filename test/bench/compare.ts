import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { shown } from "./figures.ts";
import type { KeyMemory } from "./key-memory.ts";
import { median } from "./measure.ts";
import { cpuOf, p50Of, rateOf, type Speed } from "./speed.ts";
import { table } from "./table.ts";

// `npm run bench:compare -- BASE`: runs the quick benchmark, or with `--full` the whole one, on the library of another commit and on
// this one, in turns. Both run this checkout's benchmark, and every figure is compared within one pair of runs.

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** What a run writes to its file. */
interface Measured {
  readonly speeds: readonly Speed[];
  readonly memory: readonly KeyMemory[];
}

interface PairedRuns {
  readonly base: Measured;
  readonly change: Measured;
}

/** One figure of a run. */
interface Compared {
  readonly row: string;
  readonly figure: string;
  readonly of: (run: Measured) => number | undefined;
}

const command = new Command("npm run bench:compare --")
  .argument("<base>", "commit to compare with")
  .option("--pairs <count>", "number of pairs of runs", Number, 3)
  .option("--full", "compare all rows and the memory of keys, in six minutes per run instead of one")
  .parse();
const { pairs: pairCount, full: isFull = false } = command.opts<{ pairs: number; full?: boolean }>();
const [commit = ""] = command.args;
const base = await checkOut(commit);
const pairs: PairedRuns[] = [];
for (let index = 0; index < pairCount; index += 1) {
  console.error(`pair ${index + 1} of ${pairCount}`);
  // The order alternates, because the machine may become slower or faster with time.
  const isBaseFirst = index % 2 === 0;
  const first = await measured(isBaseFirst ? base : undefined);
  const second = await measured(isBaseFirst ? undefined : base);
  pairs.push(isBaseFirst ? { base: first, change: second } : { base: second, change: first });
}
const { speeds = [], memory = [] } = pairs[0]?.change ?? {};
const compared = [...speeds.flatMap(({ name }) => figuresOf(name)), ...memory.map(({ what }) => bytesOf(what))];
console.log(table(["", "figure", "base", "change", "ratio", "from", "to"], compared.flatMap(rowsOf)));
console.log("\nratio: change divided by base; the median, lowest and highest of the pairs.");

/** Builds a commit in a checkout of its own, and returns the folder. */
async function checkOut(of: string): Promise<string> {
  const { stdout } = await run("git", ["rev-parse", "--short=12", `${of}^{commit}`], { cwd: ROOT });
  const folder = join(ROOT, ".cache", "bench-base", stdout.trim());
  if (!existsSync(folder)) await run("git", ["worktree", "add", "--detach", folder, of], { cwd: ROOT });
  console.error(`building ${of} in ${folder}`);
  await run("npm", ["run", "build"], { cwd: folder, maxBuffer: 1e9 });
  return folder;
}

async function measured(checkout: string | undefined): Promise<Measured> {
  const hook = pathToFileURL(join(import.meta.dirname, "library-under-test.ts")).href;
  const loading = checkout === undefined ? [] : ["--import", hook];
  const script = [join(import.meta.dirname, "run.ts"), ...(isFull ? [] : ["--quick"])];
  const child = spawn(process.execPath, ["--expose-gc", "--import", "tsx", ...loading, ...script], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...(checkout === undefined ? {} : { LATCHKEY_BENCH_CHECKOUT: checkout }) },
  });
  const [exitCode] = await once(child, "exit");
  if (exitCode !== 0) throw new Error(`The benchmark of ${checkout ?? "this checkout"} ended with code ${exitCode}`);
  const result: Measured = JSON.parse(
    await readFile(join(ROOT, ".cache", isFull ? "bench.json" : "bench-quick.json"), "utf8"),
  );
  return result;
}

function figuresOf(row: string): readonly Compared[] {
  const of = (figureOf: (speed: Speed | undefined) => number | undefined) => (run: Measured) =>
    figureOf(run.speeds.find(({ name }) => name === row));
  return [
    { row, figure: "events/s", of: of(rateOf) },
    { row, figure: "CPU, µs", of: of(cpuOf) },
    { row, figure: "p50 alone, µs", of: of(p50Of) },
  ];
}

function bytesOf(row: string): Compared {
  return { row, figure: "bytes", of: (run) => run.memory.find(({ what }) => what === row)?.bytes };
}

/** Returns one row, or none if no pair measured the figure. */
function rowsOf({ row, figure, of }: Compared): readonly (readonly string[])[] {
  const measuredPairs = pairs.flatMap((pair) => {
    const [before, after] = [of(pair.base), of(pair.change)];
    return before === undefined || after === undefined ? [] : [{ before, after, ratio: after / before }];
  });
  if (measuredPairs.length === 0) return [];
  const ratios = measuredPairs.map(({ ratio }) => ratio);
  return [
    [
      row,
      figure,
      shown(median(measuredPairs.map(({ before }) => before))),
      shown(median(measuredPairs.map(({ after }) => after))),
      ...[median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2)),
    ],
  ];
}
