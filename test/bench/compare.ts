import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Command } from "commander";
import { shown } from "./figures.ts";
import { median } from "./measure.ts";
import { cpuOf, rateOf, type Speed } from "./speed.ts";
import { table } from "./table.ts";

// `npm run bench:compare BASE`: runs the quick benchmark on the library of another commit and on this one, in turns. Both run this
// checkout's benchmark, and every figure is compared within one pair of runs.

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

interface PairedRuns {
  readonly base: readonly Speed[];
  readonly change: readonly Speed[];
}

const command = new Command("npm run bench:compare --")
  .argument("<base>", "commit to compare with")
  .option("--pairs <count>", "number of pairs of runs", Number, 3)
  .parse();
const { pairs: pairCount } = command.opts<{ pairs: number }>();
const [commit = ""] = command.args;
const base = await checkOut(commit);
const pairs: PairedRuns[] = [];
for (let index = 0; index < pairCount; index += 1) {
  console.error(`pair ${index + 1} of ${pairCount}`);
  // The order alternates, because the machine may become slower or faster with time.
  const isBaseFirst = index % 2 === 0;
  const first = await speedsOf(isBaseFirst ? base : undefined);
  const second = await speedsOf(isBaseFirst ? undefined : base);
  pairs.push(isBaseFirst ? { base: first, change: second } : { base: second, change: first });
}
const names = pairs[0]?.change.map(({ name }) => name) ?? [];
console.log(
  table(
    ["", "events/s: base", "change", "ratio", "from", "to", "CPU µs: base", "change", "ratio", "from", "to"],
    names.map((name) => [name, ...compared(name, rateOf), ...compared(name, cpuOf)]),
  ),
);
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

async function speedsOf(checkout: string | undefined): Promise<readonly Speed[]> {
  const hook = pathToFileURL(join(import.meta.dirname, "library-under-test.ts")).href;
  const loading = checkout === undefined ? [] : ["--import", hook];
  const child = spawn(
    process.execPath,
    ["--expose-gc", "--import", "tsx", ...loading, join(import.meta.dirname, "run.ts"), "--quick"],
    {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...(checkout === undefined ? {} : { LATCHKEY_BENCH_CHECKOUT: checkout }) },
    },
  );
  const [exitCode] = await once(child, "exit");
  if (exitCode !== 0) throw new Error(`The benchmark of ${checkout ?? "this checkout"} ended with code ${exitCode}`);
  const { speeds }: { speeds: Speed[] } = JSON.parse(await readFile(join(ROOT, ".cache", "bench-quick.json"), "utf8"));
  return speeds;
}

function compared(name: string, figureOf: (speed: Speed | undefined) => number | undefined): readonly string[] {
  const figures = pairs.flatMap((pair) => {
    const [before, after] = [pair.base, pair.change].map((speeds) =>
      figureOf(speeds.find((speed) => speed.name === name)),
    );
    return before === undefined || after === undefined ? [] : [{ before, after, ratio: after / before }];
  });
  if (figures.length === 0) return ["failed", "", "", "", ""];
  const ratios = figures.map(({ ratio }) => ratio);
  return [
    shown(median(figures.map(({ before }) => before))),
    shown(median(figures.map(({ after }) => after))),
    ...[median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2)),
  ];
}
