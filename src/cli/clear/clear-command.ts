import type { LeaseClock } from "../../inspect/conclusions/suspicion.ts";
import { amount, counted } from "../../internal/counted.ts";
import { errorMessage } from "../../internal/error-message.ts";
import { parseEventSelector } from "../stored-keys/event-selector.ts";
import { DEFAULT_ORDER, FirstKeys } from "../stored-keys/key-order.ts";
import { keyTable } from "../stored-keys/key-table.ts";
import { openKeys } from "../stored-keys/open-keys.ts";
import type { OpenKeys } from "../stored-keys/shared-keys.ts";
import { wholeKey } from "../stored-keys/short-key.ts";
import { skewFrom } from "../stored-keys/verdict.ts";
import { CommandError } from "../terminal/command-error.ts";
import { isConfirmed } from "../terminal/confirmation.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { type ClearFlags, type ClearNames, ClearPlan, checkClearFlags, DEFAULT_CLEARABLE } from "./clear-plan.ts";
import { type ClearEnd, clearEndText, planText } from "./clear-text.ts";
import { type ClearCounts, KeyRemover } from "./key-remover.ts";

/** Number of keys shown before the confirmation. */
const SAMPLES = 5;

const exitCodeOf: Readonly<Record<Exclude<ClearEnd, "cleared">, ExitCode>> = {
  "nothing-to-do": exitCodes.ok,
  "dry-run": exitCodes.ok,
  declined: exitCodes.failed,
  interrupted: exitCodes.interrupted,
};

/** Prints which keys would be cleared, asks, and clears those that did not change since. */
export async function clearCommand(names: ClearNames, flags: ClearFlags, io: CliIo): Promise<ExitCode> {
  checkClearFlags(names, flags);
  await using keys = await openKeys(flags, io);
  using interruption = new Interruption(io);
  const clearing = new Clearing(keys, flags, interruption.drain, io);
  const end = await clearing.run(names);
  await io.out.write(clearing.endText(end));
  if (end !== "cleared") return exitCodeOf[end];
  return clearing.removed.changed > 0 ? exitCodes.failed : exitCodes.ok;
}

class Clearing {
  readonly #keys: OpenKeys;
  readonly #flags: ClearFlags;
  readonly #signal: AbortSignal;
  readonly #io: CliIo;
  readonly #plan: ClearPlan;
  readonly #samples: FirstKeys;
  #remover: KeyRemover | undefined;

  constructor(keys: OpenKeys, flags: ClearFlags, signal: AbortSignal, io: CliIo) {
    this.#keys = keys;
    this.#flags = flags;
    this.#signal = signal;
    this.#io = io;
    this.#samples = new FirstKeys(DEFAULT_ORDER, SAMPLES, this.#now());
    this.#plan = new ClearPlan(flags.state ?? DEFAULT_CLEARABLE);
  }

  get removed(): ClearCounts {
    return this.#remover?.removed ?? { cleared: 0, changed: 0 };
  }

  async run(names: ClearNames): Promise<ClearEnd> {
    await this.#makePlan(names);
    if (this.#isInterrupted()) return "interrupted";
    if (this.#flags.json !== true) await this.#io.out.write(this.#planText());
    const hasNone = this.#plan.candidates.length === 0;
    if (this.#flags.dryRun === true) return hasNone ? "nothing-to-do" : "dry-run";
    if (hasNone) {
      // An interrupted clear may have removed keys without invalidating the caches.
      await this.#remove();
      return "nothing-to-do";
    }
    const isYes = this.#flags.yes === true || (await this.#ask());
    if (this.#isInterrupted()) return "interrupted";
    if (!isYes) return "declined";
    await this.#remove();
    return this.#isInterrupted() ? "interrupted" : "cleared";
  }

  endText(end: ClearEnd): string {
    const { toClear, toLeave, keyless, candidates } = this.#plan;
    if (this.#flags.json !== true) return clearEndText(end, this.removed, candidates.length);
    return jsonLine({ bucket: this.#keys.name, end, toClear, toLeave, keyless, ...this.removed });
  }

  async #makePlan([first, eventId]: ClearNames): Promise<void> {
    const { state: _, ...filter } = this.#flags;
    const where = { workspaceId: filter.workspace, bucketNames: this.#keys.bucketNames };
    const one =
      first === undefined ? undefined : parseEventSelector(await wholeKey([first, eventId], this.#keys), where);
    await using _status = this.#status(() => counted(this.#plan.matched, "key matches", "keys match"));
    for await (const stored of this.#keys.scan(filter, one?.subjectsIn)) {
      if (this.#signal.aborted) return;
      if (this.#plan.add(stored)) this.#samples.add(stored);
    }
  }

  #planText(): string {
    const { out } = this.#io;
    const paint = painter(out);
    const samples = this.#samples.sorted();
    const more = this.#plan.candidates.length - samples.length;
    const width = out.isTerminal ? { width: out.columns } : {};
    return [
      planText(this.#keys.title, this.#plan, paint),
      samples.length === 0 ? "" : `\n${keyTable(samples, this.#now(), { paint, ...width })}`,
      more > 0 ? `${paint("dim", `and ${amount(more)} more`)}\n` : "",
      "\n",
    ].join("");
  }

  #ask(): Promise<boolean> {
    const question = `Clear ${counted(this.#plan.candidates.length, "key")}? [y/N] `;
    const json = this.#flags.json === true;
    return isConfirmed({ question, otherwise: "Nothing was cleared", json }, this.#io, this.#signal);
  }

  async #remove(): Promise<void> {
    const { candidates } = this.#plan;
    const remover = new KeyRemover(await this.#keys.openStores());
    this.#remover = remover;
    await using _ = this.#status(
      () => `${amount(remover.removed.cleared)} of ${counted(candidates.length, "key")} cleared`,
    );
    try {
      await remover.remove(candidates, this.#signal);
    } catch (error) {
      throw new CommandError(
        `Cleared ${amount(remover.removed.cleared)} of ${counted(candidates.length, "key")} before a failure: ${errorMessage(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  #now(): LeaseClock {
    return { nowMs: this.#keys.serverMs(), skewMs: skewFrom(this.#io) };
  }

  #isInterrupted(): boolean {
    return this.#signal.aborted;
  }

  #status(text: () => string): StatusLine {
    return new StatusLine(this.#io.err, this.#io.clock, text);
  }
}
