import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { freePorts } from "../support/free-ports.ts";
import { Program } from "../support/program.ts";
import { stepsOf } from "./readme.ts";

/** The ports in every README. The tests replace them by free ones. */
const PORTS = ["8080", "8081"];

/** A duration at the end of a line, such as the age of a dead letter, and the head of its column. They differ from run to run. */
const AGES = / +(?:AGE|\d[\d.]* m?s)$/gm;

/** Output of the commands and programs of a README, next to the output that the README shows. */
export interface ReadmeRun {
  readonly printed: readonly string[];
  readonly documented: readonly string[];
}

/** Follows an example's README in order, as a reader would. */
export async function followReadme(example: string, env: Readonly<Record<string, string>> = {}): Promise<ReadmeRun> {
  const ports = (await freePorts(PORTS.length)).map(String);
  const withFreePorts = (command: string) =>
    PORTS.reduce((text, port, index) => text.replaceAll(port, ports[index] ?? port), command);
  const environment = { ...process.env, ...env, PORT: ports[0] };
  const programs: Program[] = [];
  const printedByPrograms = () => programs.map((program) => program.output.replace(/^listening on .*\n/, "")).join("");
  const printed: string[] = [];
  const documented: string[] = [];
  let expected = "";
  try {
    for (const step of stepsOf(readFileSync(`examples/${example}/README.md`, "utf8"))) {
      if ("start" in step) {
        const program = new Program(withFreePorts(step.start), environment);
        programs.push(program);
        await program.listening();
      } else if ("run" in step) {
        const { stdout } = await promisify(execFile)("sh", ["-c", withFreePorts(step.run)], { env: environment });
        printed.push(stdout);
        documented.push(step.output);
      } else {
        expected += step.printed;
        await eventually(`the programs to print ${step.printed}`, () => printedByPrograms().length >= expected.length);
      }
    }
    const withoutAges = (text: string) => text.replace(AGES, "");
    return {
      printed: [...printed, printedByPrograms()].map(withoutAges),
      documented: [...documented, expected].map(withoutAges),
    };
  } finally {
    for (const program of programs) await program.kill();
  }
}
