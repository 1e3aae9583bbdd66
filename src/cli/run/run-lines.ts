import { openNats } from "../connection/nats.ts";
import type { ExitCode } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { sentences } from "../terminal/sentences.ts";
import { dispatchLines } from "./dispatch-lines.ts";
import { openInput } from "./input.ts";
import { linesAccount } from "./lines-account.ts";
import { openDeduplicator } from "./open-deduplicator.ts";
import { openTarget } from "./open-target.ts";
import type { LinesPlan } from "./plan.ts";
import { Report } from "./report.ts";

/** Dispatches the events that a file or standard input holds, once each. */
export async function runLines(plan: LinesPlan, io: CliIo): Promise<ExitCode> {
  using input = await openInput(plan.path, io);
  await using nats = plan.nats === undefined ? undefined : await openNats(plan.nats, "latchkey run");
  await using dedup = await openDeduplicator(plan, nats, io);
  const target = openTarget(plan, io, (text) => void report.note(text));
  await using report = new Report(linesAccount(target.name, input.share), plan.json, io);
  using interruption = new Interruption(io, {
    drain: () => {
      input.stop();
      void report.note(sentences.draining);
    },
    abort: () => void report.note(sentences.aborting),
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
  });
  return await report.finish(drain.aborted);
}
