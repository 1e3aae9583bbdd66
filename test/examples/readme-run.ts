import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { freePorts } from "../support/free-ports.ts";
import { guardProcess } from "../support/guard-process.ts";
import { serverOutputOf, stepsOf } from "./readme.ts";

/** The port in every README. The tests replace it by a free one. */
const PORT = "8080";

/** What the programs of a README printed, next to what the README says that they print. */
export interface ReadmeRun {
  readonly printed: readonly string[];
  readonly documented: readonly string[];
}

/** Runs the commands of an example's README in order, as a reader would. Programs without output keep running until the end. */
export async function followReadme(example: string): Promise<ReadmeRun> {
  const readme = readFileSync(`examples/${example}/README.md`, "utf8");
  const [port] = await freePorts(1);
  const printed: string[] = [];
  const documented: string[] = [];
  const servers: { readonly child: ChildProcess; output: string }[] = [];
  try {
    for (const { command, output } of stepsOf(readme)) {
      const adapted = command.replaceAll(PORT, String(port));
      if (output === undefined) {
        const server = startServer(adapted, Number(port));
        servers.push(server);
        await eventually(`${command} to listen`, () => listens(server));
      } else {
        const { stdout } = await promisify(execFile)("sh", ["-c", adapted]);
        printed.push(stdout);
        documented.push(output);
      }
    }
    const serverOutput = serverOutputOf(readme);
    for (const expected of serverOutput)
      await eventually(`the server to print ${expected}`, () => servers.some((one) => one.output.includes(expected)));
    printed.push(...servers.map(({ output }) => output.split("\n").slice(1).join("\n")));
    documented.push(...serverOutput);
  } finally {
    for (const { child } of servers) await endGroup(child);
  }
  return { printed, documented };
}

function startServer(command: string, port: number) {
  // The shell, npm and the program form one process group, which ends as a whole.
  const child = spawn("sh", ["-c", command], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  const guard = guardProcess(-child.pid);
  child.once("exit", () => guard.kill("SIGKILL"));
  const server = { child, output: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    server.output += chunk;
  });
  return server;
}

function listens({ child, output }: { readonly child: ChildProcess; readonly output: string }): boolean {
  if (child.exitCode !== null) throw new Error(`The program ended with exit code ${child.exitCode}`);
  return output.includes("listening on ");
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const closed = once(child, "close");
  process.kill(-child.pid, "SIGKILL");
  await closed;
}
