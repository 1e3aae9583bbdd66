import { amount, counted } from "../../internal/counted.ts";
import { errorMessage } from "../../internal/error-message.ts";
import type { DeadLetter, RedriveResult } from "../../model/dead-letter.ts";
import { CommandError } from "../terminal/command-error.ts";
import { isConfirmed } from "../terminal/confirmation.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { jsonLine } from "../terminal/json-line.ts";
import { painter } from "../terminal/paint.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { letterEventText, letterTable } from "./letter-table.ts";
import { type DeadEnd, deadEndText, type LetterCounts, refusalLine } from "./redrive-text.ts";

type Change = RedriveResult | { readonly result: "dropped" };

export interface ChangeFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Number of letters shown before the confirmation. */
const SAMPLES = 5;

const exitCodeOf: Readonly<Record<Exclude<DeadEnd, "done">, ExitCode>> = {
  "nothing-to-do": exitCodes.ok,
  "dry-run": exitCodes.ok,
  declined: exitCodes.failed,
  interrupted: exitCodes.interrupted,
};

/** Prints which letters would be changed, asks, and changes them one by one, oldest first. */
export class LetterChanges {
  readonly #action: "redrive" | "drop";
  readonly #letters: readonly DeadLetter[];
  readonly #flags: ChangeFlags;
  readonly #signal: AbortSignal;
  readonly #io: CliIo;
  #counts: LetterCounts = { done: 0, left: 0, gone: 0 };

  constructor(
    action: "redrive" | "drop",
    letters: readonly DeadLetter[],
    flags: ChangeFlags,
    signal: AbortSignal,
    io: CliIo,
  ) {
    this.#action = action;
    this.#letters = letters;
    this.#flags = flags;
    this.#signal = signal;
    this.#io = io;
  }

  async run(change: (sequence: number) => Promise<Change>): Promise<ExitCode> {
    const end = await this.#end(change);
    const planned = this.#letters.length;
    await this.#io.out.write(
      this.#flags.json === true
        ? jsonLine({ end, planned, ...this.#counts })
        : deadEndText(end, this.#action, planned, this.#counts),
    );
    if (end !== "done") return exitCodeOf[end];
    return this.#counts.left > 0 ? exitCodes.failed : exitCodes.ok;
  }

  async #end(change: (sequence: number) => Promise<Change>): Promise<DeadEnd> {
    const { dryRun, yes, json } = this.#flags;
    if (this.#letters.length === 0) return "nothing-to-do";
    if (json !== true) await this.#io.out.write(this.#planText());
    if (dryRun === true) return "dry-run";
    const isYes = yes === true || (await this.#ask());
    if (this.#signal.aborted) return "interrupted";
    if (!isYes) return "declined";
    await this.#changeAll(change);
    return this.#counts.done + this.#counts.left + this.#counts.gone < this.#letters.length ? "interrupted" : "done";
  }

  async #changeAll(change: (sequence: number) => Promise<Change>): Promise<void> {
    const { err, out, clock } = this.#io;
    const total = this.#letters.length;
    await using status = new StatusLine(
      err,
      clock,
      () => `${amount(this.#counts.done)} of ${counted(total, "letter")}`,
    );
    for (const letter of this.#letters) {
      if (this.#signal.aborted) return;
      const { sequence } = letter;
      const result = await change(sequence).catch((cause: unknown) => {
        const { done } = this.#counts;
        throw new CommandError(
          `${amount(done)} of ${counted(total, "letter")} done before a failure: ${errorMessage(cause)}`,
          {
            cause,
          },
        );
      });
      this.#counts = withChange(this.#counts, result);
      if (this.#flags.json === true) await out.write(jsonLine({ letter: sequence, ...result }));
      else if (result.result === "left") await status.print(refusalLine(sequence, letterEventText(letter), result));
    }
  }

  #planText(): string {
    const { out, clock } = this.#io;
    const width = out.isTerminal ? { width: out.columns } : {};
    const samples = this.#letters.slice(0, SAMPLES);
    const more = this.#letters.length - samples.length;
    return [
      `${counted(this.#letters.length, "letter")} to ${this.#action}:\n\n`,
      letterTable(samples, clock.wallMs(), { paint: painter(out), ...width }),
      more > 0 ? `and ${amount(more)} more\n` : "",
      "\n",
    ].join("");
  }

  #ask(): Promise<boolean> {
    const verb = this.#action === "drop" ? "Drop" : "Redrive";
    const question = `${verb} ${counted(this.#letters.length, "letter")}? [y/N] `;
    const json = this.#flags.json === true;
    return isConfirmed({ question, otherwise: "Nothing was changed", json }, this.#io, this.#signal);
  }
}

function withChange({ done, left, gone }: LetterCounts, { result }: Change): LetterCounts {
  switch (result) {
    case "redriven":
    case "dropped":
      return { done: done + 1, left, gone };
    case "left":
      return { done, left: left + 1, gone };
    case "gone":
      return { done, left, gone: gone + 1 };
  }
}
