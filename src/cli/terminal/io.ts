import type { Readable } from "node:stream";
import type { Clock } from "../../internal/clock.ts";

/** Where a command writes. */
export interface Sink {
  readonly isTerminal: boolean;
  /** Whether colours are wanted: a terminal, unless the person said no. */
  readonly hasColours: boolean;
  readonly columns: number;
  /** Resolves when the text was taken; a reader that went away is not an error here, but an interruption. */
  write(text: string): Promise<void>;
}

/** Everything a command touches outside itself, so that it runs in a test as it does in a terminal. */
export interface CliIo {
  /** Standard input; not opened before it is asked for. */
  readonly input: () => Readable;
  readonly inputIsTerminal: boolean;
  readonly out: Sink;
  readonly err: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** From 0 to 1, excluding 1. */
  readonly random: () => number;
  /** Calls `listener` at every Ctrl-C or SIGTERM, until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
}
