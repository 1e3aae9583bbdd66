import { CommanderError } from "commander";
import { LatchkeyError } from "../errors.ts";
import { errorMessage } from "../internal/error-message.ts";
import { createProgram } from "./program.ts";
import { natsAdvice } from "./terminal/advice.ts";
import { CommandError } from "./terminal/command-error.ts";
import { type ExitCode, exitCodes } from "./terminal/exit-codes.ts";
import type { CliIo } from "./terminal/io.ts";
import { unexpectedError } from "./terminal/unexpected-error.ts";

/** Runs one command and returns its exit code. Everything it uses is in `io`. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const { own, exec } = splitAtExec(argv);
  const program = createProgram(io, {
    async run(command) {
      exitCode = await command(io);
    },
    exec,
  });
  const misplaced = misplacedOptions(argv, own);
  if (misplaced.length > 0) {
    const what = misplaced.join(" and ");
    await io.err.write(
      `latchkey: what follows --exec belongs to the command, also ${what}: put options of run before --exec, or write --exec --\n`,
    );
  }
  try {
    await program.parseAsync([...own], { from: "user" });
  } catch (error) {
    return explained(error, io);
  }
  return exitCode;
}

const EXEC = "--exec";

/** Splits the arguments at `--exec`: everything after it belongs to the command, options included. */
function splitAtExec(argv: readonly string[]): { own: readonly string[]; exec: readonly string[] | undefined } {
  const at = argv[0] === "run" ? argv.indexOf(EXEC) : -1;
  if (at === -1) return { own: argv, exec: undefined };
  const command = argv.slice(at + 1);
  return { own: argv.slice(0, at), exec: command[0] === "--" ? command.slice(1) : command };
}

/** Options without which a run shares its keys with no other, or with the wrong ones. */
const KEY_OPTIONS = ["--bucket", "--subscription", "--workspace"];

/** Returns the options that a person probably meant for `run`. */
function misplacedOptions(argv: readonly string[], own: readonly string[]): readonly string[] {
  const [, ...command] = argv.slice(own.length);
  return command[0] === "--" ? [] : KEY_OPTIONS.filter((option) => command.includes(option) && !own.includes(option));
}

async function explained(error: unknown, io: CliIo): Promise<ExitCode> {
  // Commander printed its own message. It also throws after printing help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.unusable;
  await io.err.write(`latchkey: ${explanation(error)}\n`);
  return exitCodes.unusable;
}

/** Says what failed, why, and what to do. Errors of the NATS client are expected: a server can refuse any request. */
function explanation(error: unknown): string {
  const advice = natsAdvice(error);
  const isExpected = advice !== undefined || error instanceof CommandError || error instanceof LatchkeyError;
  if (!isExpected) return unexpectedError(error);
  if (advice === undefined) return errorMessage(error);
  return `${errorMessage(error).replace(/\.$/, "")}. ${advice.charAt(0).toUpperCase()}${advice.slice(1)}`;
}
