import { writeFile } from "node:fs/promises";
import { LatchkeyError } from "../../errors.ts";
import { NotRepeatableError } from "../../testing/report/counterexample.ts";
import type { Run } from "../../testing/report/run.ts";
import { headlineOf } from "../../testing/report/run-violation.ts";
import { scenariosOf } from "../../testing/search/check-handler.ts";
import { smallestLike } from "../../testing/search/counterexample.ts";
import { exploreSchedules, limitsOf } from "../../testing/search/exhaust.ts";
import { type FastCheck, searchRandomly } from "../../testing/search/random-search.ts";
import { runSchedule } from "../../testing/search/run-schedule.ts";
import type { Scenario } from "../../testing/sim/scenario.ts";
import { parseSchedule } from "../../testing/sim/schedule.ts";
import { scenarioOf } from "../../testing/sim/scope.ts";
import { TooManyStepsError } from "../../testing/sim/too-many-steps-error.ts";
import { UncontrolledError } from "../../testing/sim/uncontrolled-error.ts";
import { showRun } from "../page/show-run.ts";
import { asCommandError, CommandError, cannotWrite } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { type CheckFlags, DEFAULT_PREEMPTIONS, DEFAULT_RUNS } from "./check-flags.ts";
import { type LoadedHandler, loadHandler } from "./load-handler.ts";
import { SearchCounts } from "./search-counts.ts";

const SEEDS = 2 ** 31;

/** A run that breaks something, and the scenario that repeats it. */
interface Found {
  readonly run: Run;
  readonly scenario: Scenario;
}

/** Checks the handler of a module, and prints what was explored or the smallest run that breaks something. */
export async function checkCommand(path: string, flags: CheckFlags, io: CliIo): Promise<ExitCode> {
  const loaded = await loadHandler(path);
  const seed = flags.seed ?? Math.floor(io.random() * SEEDS);
  const explored = new SearchCounts();
  let found: Found | undefined;
  {
    using interruption = new Interruption(io);
    const onRun = (run: Run): void => {
      explored.add(run);
      interruption.drain.throwIfAborted();
    };
    await using _status = new StatusLine(io.err, io.clock, () => explored.line);
    try {
      found = await search(loaded, { ...flags, seed }, onRun);
    } catch (error) {
      if (interruption.drain.aborted) return exitCodes.interrupted;
      throw asReported(error);
    }
  }
  if (found !== undefined && flags.output !== undefined) await save(flags.output, found.run);
  await io.out.write(
    flags.json === true ? jsonLine(resultOf(found, explored, seed, flags)) : textOf(path, found, explored, seed, flags),
  );
  if (found === undefined) return exitCodes.ok;
  if (flags.open === true) await showRun({ name: "the counterexample", text: found.run.ndjson }, 0, io);
  return exitCodes.failed;
}

async function search(
  { handler, options }: LoadedHandler,
  flags: CheckFlags & { readonly seed: number },
  onRun: (run: Run) => void,
): Promise<Found | undefined> {
  const scope = { ...options, ...(flags.events === undefined ? {} : { events: flags.events }) };
  const { replay, seed } = flags;
  if (replay !== undefined) {
    const scenario = asCommandError(() => scenarioOf(handler, scope, "all"));
    const schedule = asCommandError(() => parseSchedule(replay));
    const run = await runSchedule(scenario, schedule);
    onRun(run);
    return run.violations.length === 0 ? undefined : { run, scenario };
  }
  if (flags.exhaust === true) {
    const scenario = asCommandError(() => scenarioOf(handler, scope, "none"));
    const limits = limitsOf({ preemptions: flags.preemptions ?? DEFAULT_PREEMPTIONS });
    const { found } = await exploreSchedules(scenario, { ...limits, onRun });
    return found && { run: await smallestLike(found, scenario), scenario };
  }
  const scenarios = asCommandError(() => scenariosOf(handler, scope));
  const numRuns = flags.runs ?? DEFAULT_RUNS;
  const { found } = await searchRandomly(await loadFastCheck(), scenarios, { numRuns, seed, onRun });
  return found && { run: await smallestLike(found.run, found.scenario), scenario: found.scenario };
}

async function loadFastCheck(): Promise<FastCheck> {
  try {
    return (await import("fast-check")).default;
  } catch (error) {
    throw new LatchkeyError(
      "missing-peer",
      "`latchkey check` needs fast-check, which is not installed. Install it with: npm install --save-dev fast-check",
      { cause: error },
    );
  }
}

/** Errors about the handler, and about the size of the search, are for the user. */
function asReported(error: unknown): unknown {
  const isAboutHandler =
    error instanceof UncontrolledError ||
    error instanceof NotRepeatableError ||
    error instanceof TooManyStepsError ||
    error instanceof TypeError ||
    error instanceof RangeError;
  return isAboutHandler ? new CommandError(error.message, { cause: error }) : error;
}

async function save(path: string, run: Run): Promise<void> {
  try {
    await writeFile(path, run.ndjson);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function resultOf(
  found: Found | undefined,
  explored: SearchCounts,
  seed: number,
  flags: CheckFlags,
): Readonly<Record<string, unknown>> {
  const { runs, deliveries, effects, faults } = explored;
  const search = flags.replay === undefined && flags.exhaust !== true ? { seed } : {};
  const all = { ...search, runs, deliveries, effects, faults };
  if (found === undefined) return { result: "passed", ...all };
  const { run, scenario } = found;
  const violations = run.violations.map(({ guarantee, line, why }) => ({ guarantee, line, why }));
  return {
    result: "broken",
    ...all,
    violations,
    replay: run.schedule,
    events: scenario.events,
    history: run.history,
  };
}

function textOf(
  path: string,
  found: Found | undefined,
  explored: SearchCounts,
  seed: number,
  flags: CheckFlags,
): string {
  const isRandom = flags.replay === undefined && flags.exhaust !== true;
  const summary = `${explored.summary}${isRandom ? `, seed ${seed}` : ""}.\n`;
  if (found === undefined) return `Nothing is broken. ${summary}`;
  const { run, scenario } = found;
  const broken = run.violations.slice(0, 1).map(headlineOf).join("");
  const events = scenario.events === 1 ? "" : ` --events ${scenario.events}`;
  const again = `latchkey check ${path} --replay "${run.schedule}"${events}`;
  const saved = flags.output === undefined ? "" : `The run is in ${flags.output}, for the inspector.\n`;
  return `The handler breaks ${broken}\n\n${run.lanes}\n\nFound in ${summary}To repeat this run: ${again}\n${saved}`;
}
