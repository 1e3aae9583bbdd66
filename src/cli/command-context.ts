import type { ExitCode } from "./terminal/exit-codes.ts";
import type { CliIo } from "./terminal/io.ts";

/** Dependencies of the declaration of a command. */
export interface CommandContext {
  /** Runs a command. Its result becomes the exit code of the process. */
  readonly run: (command: (io: CliIo) => Promise<ExitCode>) => Promise<void>;
  /** The words after `--exec`, which Commander does not parse. */
  readonly exec: readonly string[] | undefined;
}
