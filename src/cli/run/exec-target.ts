import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../../clock.ts";
import { UnusableError } from "../errors.ts";
import { sentences } from "../sentences.ts";
import type { IncomingEvent } from "./incoming.ts";
import type { DispatchContext, DispatchFailure, Target } from "./target.ts";

/** How long a command that was told to end may take, before it is killed. */
const GRACE_MS = 5_000;

/** On its own, so that a Ctrl-C in the terminal reaches Latchkey alone, which then lets running commands finish. */
const HAS_PROCESS_GROUPS = process.platform !== "win32";

export interface ExecOptions {
  readonly command: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes what the commands print. */
  readonly onOutput: (text: string) => void;
}

/** Runs a command for each event, with the event on its standard input; exit code 0 is success. */
export function execTarget(options: ExecOptions): Target {
  const [program, ...args] = options.command;
  return {
    name: options.command.join(" "),
    async dispatch(event, context) {
      if (context.signal.aborted) return { failure: "aborted" };
      const child = spawn(program, args, {
        env: { ...options.env, ...eventEnv(event, context) },
        stdio: "pipe",
        detached: HAS_PROCESS_GROUPS,
      });
      for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", options.onOutput);
      // A command need not read its event, and may end before it did.
      child.stdin.on("error", () => {}).end(event.original);
      using _ = endWhenAborted(child, context.signal, options.clock);
      const end = await ended(child, program);
      return end !== undefined && context.signal.aborted ? { failure: "aborted" } : end;
    },
  };
}

function eventEnv(event: IncomingEvent, context: DispatchContext): Record<string, string> {
  return {
    LATCHKEY_KEY: context.key,
    LATCHKEY_FENCE: String(context.fence),
    LATCHKEY_ATTEMPT: String(context.attempt),
    LATCHKEY_SUBSCRIPTION: withoutNul(context.subscriptionId),
    LATCHKEY_EVENT_ID: withoutNul(event.eventId),
    LATCHKEY_EVENT_TYPE: withoutNul(event.attributes["type"] ?? ""),
  };
}

/** An environment cannot hold the character that ends its entries. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "\u{fffd}");
}

function ended(child: ChildProcess, program: string): Promise<DispatchFailure | undefined> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      if (child.pid === undefined) reject(new UnusableError(sentences.cannotRun(program, error), { cause: error }));
    });
    child.once("close", (exitCode, signal) => {
      if (exitCode === 0) resolve(undefined);
      else if (exitCode !== null) resolve({ failure: "exit", exitCode });
      else resolve({ failure: "killed", by: signal ?? "a signal" });
    });
  });
}

/** Sends SIGTERM when `signal` aborts, and SIGKILL to a command that does not heed it. */
function endWhenAborted(child: ChildProcess, signal: AbortSignal, clock: Clock): Disposable {
  let cancel = (): void => {};
  const end = (): void => {
    kill(child, "SIGTERM");
    cancel = clock.schedule(GRACE_MS, () => kill(child, "SIGKILL"));
  };
  signal.addEventListener("abort", end, { once: true });
  return {
    [Symbol.dispose]() {
      cancel();
      signal.removeEventListener("abort", end);
    },
  };
}

/** The whole group: a command is often a shell that waits for another one. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(HAS_PROCESS_GROUPS ? -child.pid : child.pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}
