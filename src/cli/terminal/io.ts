import type { Readable } from "node:stream";
import type { Clock } from "../../internal/clock.ts";

/** Why a command is interrupted: a signal such as Ctrl-C, or a closed standard output. */
export type InterruptionCause = "signal" | "output-closed";

/** An output of a command. */
export interface Sink {
  readonly isTerminal: boolean;
  /** True if the output is a terminal that supports colours, and the user did not disable them. */
  readonly hasColours: boolean;
  readonly columns: number;
  /** Resolves once the text is written. If the reader went away, the command is interrupted instead of failing. */
  write(text: string): Promise<void>;
}

/** Everything a command uses of its process, so that tests can replace it. */
export interface CliIo {
  /** Standard input, opened on the first call. */
  readonly input: () => Readable;
  readonly inputIsTerminal: boolean;
  readonly out: Sink;
  readonly err: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1, excluding 1. */
  readonly random: () => number;
  /** Calls `listener` on every interruption until the returned function is called. */
  onInterrupt(listener: (cause: InterruptionCause) => void): () => void;
}
