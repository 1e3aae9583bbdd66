import { createRequire } from "node:module";
import { Command } from "commander";
import { isObject } from "../internal/is-object.ts";
import { declareCheck } from "./check/declaration.ts";
import { declareClear } from "./clear/declaration.ts";
import type { CommandContext } from "./command-context.ts";
import { declareCompletion } from "./completion/declaration.ts";
import { declareDead } from "./dead/declaration.ts";
import { declareDemo } from "./demo/declaration.ts";
import { declareDoctor } from "./doctor/declaration.ts";
import { declareDraw } from "./draw/declaration.ts";
import { declareInspect } from "./inspect/declaration.ts";
import { declareKey } from "./key/declaration.ts";
import { declareList } from "./list/declaration.ts";
import { declarePlay } from "./play/declaration.ts";
import { declarePostgres } from "./postgres/declaration.ts";
import { declareRaiseFences } from "./raise-fences/declaration.ts";
import { declareReshard } from "./reshard/declaration.ts";
import { declareRun } from "./run/declaration.ts";
import { declareShow } from "./show/declaration.ts";
import type { CliIo } from "./terminal/io.ts";
import { unknownOptionText } from "./terminal/unknown-option.ts";

/** The commands, in the order of `latchkey --help`. */
const DECLARATIONS = [
  declareRun,
  declareKey,
  declareDemo,
  declareCheck,
  declarePlay,
  declareList,
  declareShow,
  declareClear,
  declareDead,
  declareDoctor,
  declareReshard,
  declareRaiseFences,
  declareInspect,
  declareDraw,
  declarePostgres,
  declareCompletion,
];

/** Text below the options of `latchkey --help`. */
const programHelp = `
Exit codes:
  0    success
  1    some events failed, or a check found an error
  2    wrong usage, or an input, target or server that cannot be used
  130  interrupted

latchkey <command> --help prints more.`;

/** Builds the command tree. Each command declares its arguments and options in its own folder. */
export function createProgram(io: CliIo, context: CommandContext): Command {
  const program = new Command("latchkey")
    .description("Dispatches each event once, no matter how often it is delivered.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.out.write(text),
      writeErr: (text) => void io.err.write(text),
      getOutHelpWidth: () => io.out.columns,
      getErrHelpWidth: () => io.err.columns,
      getOutHasColors: () => io.out.hasColours,
      getErrHasColors: () => io.err.hasColours,
    })
    .showHelpAfterError("(see --help)")
    .addHelpText("after", programHelp);
  for (const declare of DECLARATIONS) declare(program, context);
  for (const command of program.commands) {
    const options = command.options.flatMap(({ long }) => long ?? []);
    command.configureOutput({ outputError: (text, write) => write(unknownOptionText(text, options)) });
  }
  return program;
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)("latchkey/package.json");
  const value = isObject(manifest) ? manifest["version"] : undefined;
  return typeof value === "string" ? value : "unknown";
}
