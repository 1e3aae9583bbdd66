import { type ExitCode, exitCodes } from "../../terminal/exit-codes.ts";
import type { CliIo } from "../../terminal/io.ts";
import { jsonLine } from "../../terminal/json-line.ts";
import { type Paint, painter } from "../../terminal/paint.ts";
import { StatusLine } from "../../terminal/status-line.ts";
import { type RunEnd, runSummaryText, type SummaryRow } from "./summary-table.ts";

/** Counters and formats of a report. */
export interface ReportFormat<Result, Tally extends object> {
  readonly empty: Tally;
  add(tally: Tally, result: Result): Tally;
  /** Returns true if every result is a success. */
  hasSucceeded(tally: Tally): boolean;
  /** Describes a result that needs attention. Returns undefined for the others. */
  resultText(result: Result, paint: Paint): string | undefined;
  /** Formats the status line. */
  progress(tally: Tally, durationMs: number): string;
  headline(tally: Tally, durationMs: number): string;
  summary(tally: Tally): readonly SummaryRow[];
  /** Returns a result as JSON output. */
  toJson(result: Result): object;
}

const exitCodeOf = {
  succeeded: exitCodes.ok,
  failed: exitCodes.failed,
  interrupted: exitCodes.interrupted,
} as const satisfies Record<RunEnd, ExitCode>;

/** Prints results as they arrive, a status line, and the summary. */
export class RunReport<Result, Tally extends object> implements AsyncDisposable {
  readonly #format: ReportFormat<Result, Tally>;
  readonly #io: CliIo;
  readonly #json: boolean;
  readonly #status: StatusLine;
  readonly #startedMs: number;
  #tally: Tally;

  /** @param json prints results as JSON on standard output instead of text on standard error. */
  constructor(format: ReportFormat<Result, Tally>, json: boolean, io: CliIo) {
    this.#format = format;
    this.#io = io;
    this.#json = json;
    this.#tally = format.empty;
    this.#startedMs = io.clock.monotonicMs();
    this.#status = new StatusLine(io.err, io.clock, () => format.progress(this.#tally, this.#durationMs));
  }

  async result(result: Result): Promise<void> {
    this.#tally = this.#format.add(this.#tally, result);
    if (this.#json) {
      await this.#io.out.write(jsonLine(this.#format.toJson(result)));
      return;
    }
    const text = this.#format.resultText(result, painter(this.#io.err));
    if (text !== undefined) await this.note(`${text}\n`);
  }

  /** Prints text above the status line. */
  async note(text: string): Promise<void> {
    await this.#status.print(text);
  }

  /** Prints the summary and returns the exit code. */
  async finish(isInterrupted: boolean): Promise<ExitCode> {
    const format = this.#format;
    const tally = this.#tally;
    const durationMs = this.#durationMs;
    const end: RunEnd = isInterrupted ? "interrupted" : format.hasSucceeded(tally) ? "succeeded" : "failed";
    const exitCode = exitCodeOf[end];
    await this.#status[Symbol.asyncDispose]();
    await this.#io.out.write(
      this.#json
        ? jsonLine({ summary: { ...tally, durationMs: Math.round(durationMs), exitCode } })
        : runSummaryText(end, format.headline(tally, durationMs), format.summary(tally), painter(this.#io.out)),
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
