import { openNats } from "../connection/nats.ts";
import type { ExitCode } from "../terminal/exit-codes.ts";
import { ABORTING, DRAINING, Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { painter } from "../terminal/paint.ts";
import { dispatchLines } from "./dispatch-lines.ts";
import { openInput } from "./input/open-input.ts";
import { closeAtEnd, openDeduplicator } from "./open-deduplicator.ts";
import type { LinesPlan } from "./plan.ts";
import { linesReport, pauseText } from "./report/lines-report.ts";
import { RunReport } from "./report/report.ts";
import { openTarget } from "./target/open-target.ts";

/** Dispatches the events of a file or of standard input once each. */
export async function runLines(plan: LinesPlan, io: CliIo): Promise<ExitCode> {
  using input = await openInput(plan.path, io);
  await using nats = plan.nats === undefined ? undefined : await openNats(plan.nats, "latchkey run");
  const dedup = await openDeduplicator(plan, nats, io);
  let isAborted = false;
  await using _ = closeAtEnd(dedup, () => isAborted);
  const target = openTarget(plan, io, (text) => void report.note(text));
  await using report = new RunReport(linesReport(target.name, input.share), plan.json, io);
  using interruption = new Interruption(io, {
    drain: (cause) => {
      input.stop();
      void report.note(DRAINING[cause]);
    },
    abort() {
      isAborted = true;
      void report.note(ABORTING);
    },
  });
  const { drain, abort } = interruption;
  await dispatchLines(input, {
    ...plan,
    target,
    dedup,
    clock: io.clock,
    random: io.random,
    drain,
    abort,
    onResult: (result) => report.result(result),
    onPause: (pause) => void report.note(`${pauseText(pause, painter(io.err))}\n`),
  });
  return await report.finish(drain.aborted);
}
