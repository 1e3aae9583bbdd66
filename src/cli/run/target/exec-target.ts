import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Clock } from "../../../internal/clock.ts";
import { CommandError } from "../../terminal/command-error.ts";
import { printable } from "../../terminal/printable.ts";
import type { IncomingEvent } from "../event/incoming-event.ts";
import { traceContextOf } from "../event/trace-context.ts";
import { forwardLines } from "./forward-lines.ts";
import type { Target, TargetContext, TargetFailure } from "./target.ts";

/** Time between SIGTERM and SIGKILL, in milliseconds: no attempt outlives its time limit by more than a second. */
export const GRACE_MS = 750;

/** Commands run in their own process group, so that Ctrl-C in the terminal reaches only Latchkey. */
const HAS_PROCESS_GROUPS = process.platform !== "win32";

export interface ExecOptions {
  readonly command: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Receives the output of the commands by whole lines, so that concurrent outputs do not mix. */
  readonly onOutput: (text: string) => void;
}

/** Runs a command for each event, with the event on standard input. Exit code 0 is success. */
export function execTarget(options: ExecOptions): Target {
  const [program, ...args] = options.command;
  return {
    kind: "command",
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
      using _live = killedAtExit(child);
      forwardLines(child.stdout, options.onOutput);
      forwardLines(child.stderr, options.onOutput);
      // A command may exit without reading its event.
      child.stdin.on("error", () => {}).end(event.original);
      using _ = endWhenAborted(child, signal, options.clock);
      const end = await ended(child, program, signal, options.clock);
      return end !== undefined && isAborted() ? { failure: "aborted" } : end;
    },
  };
}

function eventEnv(event: IncomingEvent, context: TargetContext): Record<string, string> {
  const { traceparent, tracestate } = traceContextOf(event);
  return {
    ...(traceparent !== undefined && { TRACEPARENT: traceparent }),
    ...(tracestate !== undefined && { TRACESTATE: tracestate }),
    LATCHKEY_IDEMPOTENCY_KEY: context.idempotencyKey,
    LATCHKEY_WORKSPACE: withoutNul(context.workspaceId),
    LATCHKEY_FENCE: String(context.fence),
    LATCHKEY_ATTEMPT: String(context.attempt),
    LATCHKEY_SUBSCRIPTION: withoutNul(context.subscriptionId),
    LATCHKEY_EVENT_ID: withoutNul(event.eventId),
    LATCHKEY_EVENT_TYPE: withoutNul(event.attributes["type"] ?? ""),
  };
}

/** Replaces NUL, which environment variables cannot contain. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "\u{fffd}");
}

/** Quiet time after which the output of an exited command is complete, in milliseconds. */
const OUTPUT_GRACE_MS = 500;
/** Maximum number of such waits: background processes can hold the output open. */
const MAX_GRACES = 10;

function ended(
  child: ChildProcessWithoutNullStreams,
  program: string,
  signal: AbortSignal,
  clock: Clock,
): Promise<TargetFailure | undefined> {
  return new Promise((resolve, reject) => {
    let cancel = (): void => {};
    let chunkCount = 0;
    const outputs = [child.stdout, child.stderr];
    for (const output of outputs) output.on("data", () => (chunkCount += 1));
    const awaitQuiet = (gracesLeft: number): void => {
      const before = chunkCount;
      cancel = clock.schedule(OUTPUT_GRACE_MS, () => {
        // Timers run before input in a turn of the event loop, and this turn may be late.
        setImmediate(() => {
          if (chunkCount !== before && gracesLeft > 1) awaitQuiet(gracesLeft - 1);
          else for (const output of outputs) output.destroy();
        });
      });
    };
    // After an abort, the rest of the output does not delay the result.
    child.once("exit", () => awaitQuiet(signal.aborted ? 1 : MAX_GRACES));
    child.once("error", (error) => {
      if (child.pid !== undefined) return;
      try {
        resolve(notStarted(program, error));
      } catch (unusable) {
        reject(unusable);
      }
    });
    child.once("close", (exitCode, killedBy) => {
      cancel();
      if (exitCode === 0) resolve(undefined);
      else if (exitCode === null) resolve({ failure: "killed", by: String(killedBy) });
      else resolve({ failure: "exit", exitCode });
    });
  });
}

/** Errors that affect every event. */
const PROGRAM_IS_UNUSABLE: ReadonlySet<string> = new Set(["ENOENT", "EACCES", "ENOTDIR", "ENOEXEC", "ELOOP"]);

/** Describes why a program cannot run, and what to do. */
function unusableText(program: string, code: string): string {
  if (/[\s|&;<>$`"'*]/.test(program)) {
    return `there is no such program (${code}). --exec runs a program without a shell; for shell syntax, use --exec sh -c "<command>"`;
  }
  switch (code) {
    case "ENOENT":
      return program.includes("/")
        ? "there is no such file (ENOENT)"
        : "no program of this name is on the PATH (ENOENT)";
    case "EACCES":
      return "it is not executable; use chmod +x (EACCES)";
    case "ENOEXEC":
      return "it is not a program, or a script without a #! line (ENOEXEC)";
    default:
      return code;
  }
}

/** Other errors, such as too many processes or a too long event id, affect only one event. */
function notStarted(program: string, error: unknown): TargetFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (!PROGRAM_IS_UNUSABLE.has(code)) return { failure: "not-started", code };
  throw new CommandError(`Cannot run \`${printable(program)}\`: ${unusableText(program, code)}`, { cause: error });
}

/** Running commands. They are killed if this process exits first, for example after a third Ctrl-C. */
const liveChildren = new Set<ChildProcess>();

function killedAtExit(child: ChildProcess): Disposable {
  if (liveChildren.size === 0) process.on("exit", killLiveChildren);
  liveChildren.add(child);
  return {
    [Symbol.dispose]() {
      liveChildren.delete(child);
      if (liveChildren.size === 0) process.off("exit", killLiveChildren);
    },
  };
}

function killLiveChildren(): void {
  for (const child of liveChildren) kill(child, "SIGKILL");
}

/** Sends SIGTERM when `signal` aborts, and SIGKILL to processes that remain. */
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

/** Signals the whole process group: a command is often a shell that waits for another process. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(HAS_PROCESS_GROUPS ? -child.pid : child.pid, signal);
  } catch {
    // The process has already exited.
  }
}
