import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock } from "../../internal/clock.ts";
import { UnusableError } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";
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
  /** Takes what the commands print, by whole lines, so that those of several commands do not mix. */
  readonly onOutput: (text: string) => void;
}

/** Runs a command for each event, with the event on its standard input; exit code 0 is success. */
export function execTarget(options: ExecOptions): Target {
  const [program, ...args] = options.command;
  return {
    name: options.command.join(" "),
    async dispatch(event, context) {
      const { signal } = context;
      const isAborted = (): boolean => signal.aborted;
      if (isAborted()) return { failure: "aborted" };
      let child: ChildProcessWithoutNullStreams;
      try {
        child = spawn(program, args, {
          env: { ...options.env, ...eventEnv(event, context) },
          stdio: "pipe",
          detached: HAS_PROCESS_GROUPS,
        });
      } catch (error) {
        return notStarted(program, error);
      }
      forwardLines(child.stdout, options.onOutput);
      forwardLines(child.stderr, options.onOutput);
      // A command need not read its event, and may end before it did.
      child.stdin.on("error", () => {}).end(event.original);
      using _ = endWhenAborted(child, signal, options.clock);
      const end = await ended(child, program, options.clock);
      return end !== undefined && isAborted() ? { failure: "aborted" } : end;
    },
  };
}

const LONGEST_HELD = 64 * 1024;

function forwardLines(output: Readable, onOutput: (text: string) => void): void {
  let held = "";
  let isLineOpen = false;
  const forward = (end: number): void => {
    if (end === 0) return;
    onOutput(held.slice(0, end));
    isLineOpen = held[end - 1] !== "\n";
    held = held.slice(end);
  };
  output.setEncoding("utf8").on("data", (text: string) => {
    held += text;
    forward(held.length > LONGEST_HELD ? held.length : held.lastIndexOf("\n") + 1);
  });
  output.once("close", () => {
    if (held !== "" || isLineOpen) held += "\n";
    forward(held.length);
  });
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

/** So long nothing more may arrive of what a command has printed, once it has ended. */
const OUTPUT_GRACE_MS = 500;
/** Something that it left running may print on for ever: so often it is waited for. */
const MOST_GRACES = 10;

function ended(
  child: ChildProcessWithoutNullStreams,
  program: string,
  clock: Clock,
): Promise<DispatchFailure | undefined> {
  return new Promise((resolve, reject) => {
    let cancel = (): void => {};
    let heard = 0;
    const outputs = [child.stdout, child.stderr];
    for (const output of outputs) output.on("data", () => (heard += 1));
    const awaitQuiet = (gracesLeft: number): void => {
      const before = heard;
      cancel = clock.schedule(OUTPUT_GRACE_MS, () => {
        // Timers come before input in a turn of the event loop, and this turn may be late.
        setImmediate(() => {
          if (heard !== before && gracesLeft > 1) awaitQuiet(gracesLeft - 1);
          else for (const output of outputs) output.destroy();
        });
      });
    };
    child.once("exit", () => awaitQuiet(MOST_GRACES));
    child.once("error", (error) => {
      if (child.pid !== undefined) return;
      try {
        resolve(notStarted(program, error));
      } catch (unusable) {
        reject(unusable);
      }
    });
    child.once("close", (exitCode, signal) => {
      cancel();
      if (exitCode === 0) resolve(undefined);
      else if (exitCode === null) resolve({ failure: "killed", by: String(signal) });
      else resolve({ failure: "exit", exitCode });
    });
  });
}

/** No event can be given to a program that is not there. */
const PROGRAM_IS_UNUSABLE: ReadonlySet<string> = new Set(["ENOENT", "EACCES", "ENOTDIR", "ENOEXEC", "ELOOP"]);

/** What keeps one event from its command, such as too many processes, need not stop the others. */
function notStarted(program: string, error: unknown): DispatchFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (!PROGRAM_IS_UNUSABLE.has(code)) return { failure: "not-started", code };
  throw new UnusableError(sentences.cannotRun(program, code), { cause: error });
}

/** Sends SIGTERM when `signal` aborts, and SIGKILL to what does not heed it or is left over. */
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
      if (signal.aborted) kill(child, "SIGKILL");
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
