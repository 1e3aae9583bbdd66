import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { type RunEnd, type SummaryRow, summaryText } from "../terminal/sentences.ts";
import { StatusLine } from "../terminal/status-line.ts";
import { type Paint, painter } from "../terminal/style.ts";

/** What a report is about: how results are counted, and how they are put into words. */
export interface Account<Result, Tally extends object> {
  readonly empty: Tally;
  counted(tally: Tally, result: Result): Tally;
  /** Whether everything that was counted ended well. */
  endedWell(tally: Tally): boolean;
  /** A line for a person; undefined when there is nothing to say. */
  sentence(result: Result, paint: Paint): string | undefined;
  /** The line that is written over and over. */
  progress(tally: Tally, durationMs: number): string;
  headline(tally: Tally, durationMs: number): string;
  summary(tally: Tally): readonly SummaryRow[];
  /** What a script reads. */
  toJson(result: Result): object;
}

const exitCodeOf = {
  well: exitCodes.ok,
  badly: exitCodes.failed,
  interrupted: exitCodes.interrupted,
} as const satisfies Record<RunEnd, ExitCode>;

/** Tells what becomes of the events: as it happens, and at the end. */
export class Report<Result, Tally extends object> implements AsyncDisposable {
  readonly #account: Account<Result, Tally>;
  readonly #io: CliIo;
  readonly #json: boolean;
  readonly #status: StatusLine;
  readonly #startedMs: number;
  #tally: Tally;

  /** @param json one JSON object a line on standard output, instead of sentences. */
  constructor(account: Account<Result, Tally>, json: boolean, io: CliIo) {
    this.#account = account;
    this.#io = io;
    this.#json = json;
    this.#tally = account.empty;
    this.#startedMs = io.clock.monotonicMs();
    this.#status = new StatusLine(io.err, io.clock, () => account.progress(this.#tally, this.#durationMs));
  }

  async result(result: Result): Promise<void> {
    this.#tally = this.#account.counted(this.#tally, result);
    if (this.#json) {
      await this.#io.out.write(`${JSON.stringify(this.#account.toJson(result))}\n`);
      return;
    }
    const sentence = this.#account.sentence(result, painter(this.#io.err));
    if (sentence !== undefined) await this.note(`${sentence}\n`);
  }

  /** Text for the person at the terminal. */
  async note(text: string): Promise<void> {
    await this.#status.print(text);
  }

  /** Says how it all ended. */
  async finish(isInterrupted: boolean): Promise<ExitCode> {
    const account = this.#account;
    const tally = this.#tally;
    const durationMs = this.#durationMs;
    const end: RunEnd = isInterrupted ? "interrupted" : account.endedWell(tally) ? "well" : "badly";
    const exitCode = exitCodeOf[end];
    await this.#status[Symbol.asyncDispose]();
    await this.#io.out.write(
      this.#json
        ? `${JSON.stringify({ summary: { ...tally, durationMs: Math.round(durationMs), exitCode } })}\n`
        : summaryText(end, account.headline(tally, durationMs), account.summary(tally), painter(this.#io.out)),
    );
    return exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#status[Symbol.asyncDispose]();
  }

  get #durationMs(): number {
    return this.#io.clock.monotonicMs() - this.#startedMs;
  }
}
