import { CommanderError } from "commander";
import { LatchkeyError } from "../errors.ts";
import { completionScript } from "./completion/completion.ts";
import { withPeers } from "./connection/nats.ts";
import { keyCommand } from "./key/key-command.ts";
import { postgresCommand } from "./postgres/postgres-command.ts";
import { createProgram } from "./program.ts";
import { planRun } from "./run/plan.ts";
import { runLines } from "./run/run-lines.ts";
import { CommandError } from "./terminal/command-error.ts";
import { unexpectedError } from "./terminal/error-message.ts";
import { type ExitCode, exitCodes } from "./terminal/exit-codes.ts";
import type { CliIo } from "./terminal/io.ts";

/** Runs one command and returns its exit code. Everything it uses is in `io`. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const { own, exec } = splitAtExec(argv);
  const program = createProgram(io, {
    async run(flags) {
      const plan = planRun(exec === undefined ? flags : { ...flags, exec }, io);
      if (plan.from === "lines") {
        exitCode = await runLines(plan, io);
        return;
      }
      const { runStream } = await withPeers(() => import("./run/run-stream.ts"));
      exitCode = await runStream(plan, io);
    },
    async key(subscriptionId, eventId, flags) {
      await keyCommand(subscriptionId, eventId, flags, io);
    },
    async demo(flags) {
      const { demoCommand } = await import("./demo/demo-command.ts");
      exitCode = await demoCommand(flags, io);
    },
    async check(path, flags) {
      const { checkCommand } = await import("./check/check-command.ts");
      exitCode = await checkCommand(path, flags, io);
    },
    async play(flags) {
      const { playCommand } = await import("./play/play-command.ts");
      exitCode = await playCommand(flags, io);
    },
    async list(flags) {
      const { listCommand } = await withPeers(() => import("./list/list-command.ts"));
      exitCode = await listCommand(flags, io);
    },
    async show(names, flags) {
      const { showCommand } = await withPeers(() => import("./show/show-command.ts"));
      exitCode = await showCommand(names, flags, io);
    },
    async clear(names, flags) {
      const { clearCommand } = await withPeers(() => import("./clear/clear-command.ts"));
      exitCode = await clearCommand(names, flags, io);
    },
    async dead(action, sequences, flags) {
      const { deadCommand } = await withPeers(() => import("./dead/dead-command.ts"));
      exitCode = await deadCommand(action, sequences, flags, io);
    },
    async doctor(flags) {
      const { doctorCommand } = await withPeers(() => import("./doctor/doctor-command.ts"));
      exitCode = await doctorCommand(flags, io);
    },
    async raiseFences(flags) {
      const { raiseFencesCommand } = await withPeers(() => import("./raise-fences/raise-fences-command.ts"));
      exitCode = await raiseFencesCommand(flags, io);
    },
    async reshard(flags) {
      const { reshardCommand } = await withPeers(() => import("./reshard/reshard-command.ts"));
      exitCode = await reshardCommand(flags, io);
    },
    async inspect(flags) {
      const { inspectCommand } = await withPeers(() => import("./inspect/inspect-command.ts"));
      exitCode = await inspectCommand(flags, io);
    },
    async draw(machine, flags) {
      const { drawCommand } = await import("./draw/draw-command.ts");
      await drawCommand(machine, flags, io);
    },
    async postgres(flags) {
      await postgresCommand(flags, io);
    },
    async completion(shell) {
      await io.out.write(completionScript(shell, program));
    },
  });
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

async function explained(error: unknown, io: CliIo): Promise<ExitCode> {
  // Commander printed its own message. It also throws after printing help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.unusable;
  const isExpected = error instanceof CommandError || error instanceof LatchkeyError;
  await io.err.write(`latchkey: ${isExpected ? error.message : unexpectedError(error)}\n`);
  return exitCodes.unusable;
}
