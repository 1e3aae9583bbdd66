import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "./eventually.ts";
import { guardProcess } from "./guard-process.ts";

/** A running program. Shell, npm and Node form one process group, which ends no later than this process. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #command: string;
  #output = "";

  constructor(command: string, env: NodeJS.ProcessEnv = process.env) {
    this.#command = command;
    const child = spawn("sh", ["-c", command], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    if (child.pid === undefined) throw new Error(`${command} could not be started`);
    const guard = guardProcess(-child.pid);
    child.once("exit", () => guard.kill("SIGKILL"));
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      this.#output += chunk;
    });
    this.#child = child;
  }

  /** Standard output so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the program prints that it listens. */
  async listening(): Promise<void> {
    await eventually(`${this.#command} to listen`, () => {
      if (this.#child.exitCode !== null) throw new Error(`It ended with exit code ${this.#child.exitCode}`);
      return this.#output.includes("listening on ");
    });
  }

  /** Resolves with the exit code, or `null` if a signal ended the program. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    return this.#child.exitCode;
  }

  /** Kills the process group at once. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const closed = once(this.#child, "close");
    process.kill(-this.#child.pid, "SIGKILL");
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
