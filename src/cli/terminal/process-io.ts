import type { Readable } from "node:stream";
import { onAbort } from "../../internal/abort.ts";
import { type Clock, delay, systemClock } from "../../internal/clock.ts";
import { exitCodes } from "./exit-codes.ts";
import type { CliIo, InterruptionCause, Sink } from "./io.ts";

/** The parts of a process that commands use. */
export interface HostProcess {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: ProcessOutput;
  readonly stderr: ProcessOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: HandledSignal, listener: (signal: HandledSignal) => void): unknown;
  exit(exitCode: number): unknown;
}

/** An output of a process. The optional members exist if it is a terminal. */
export interface ProcessOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
  on(event: "error", listener: () => void): unknown;
  write(text: string, done: () => void): unknown;
}

type HandledSignal = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT";

const DEFAULT_COLUMNS = 80;
const SIGNALS: readonly HandledSignal[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/**
 * Minimum time between two signals that count, in milliseconds. npm and npx forward Ctrl-C, so that one key press arrives twice
 * within milliseconds.
 */
export const SIGNAL_GAP_MS = 500;

/** Maximum time to write what is left after an abort, in milliseconds: the reader may have stopped. */
const FLUSH_MS = 500;

/** The input and output of a command that runs as a process. */
export interface ProcessIo extends CliIo {
  /** Resolves once both outputs are written. After an abort, it does not wait for a reader that has stopped. */
  flush(): Promise<void>;
}

/** Connects a command to the streams, environment, clock and signals of a process. */
export function processIo(host: HostProcess, clock: Clock = systemClock): ProcessIo {
  const listeners = new Set<(cause: InterruptionCause) => void>();
  const ignoresHangUp = isUnderNohup(host.env);
  const aborting = new AbortController();
  let times = 0;
  let countedMs = Number.NEGATIVE_INFINITY;
  let isListening = false;

  const interrupt = (cause: InterruptionCause): void => {
    countedMs = clock.monotonicMs();
    for (const listener of listeners) listener(cause);
  };
  const onSignal = (signal: HandledSignal): void => {
    if (signal === "SIGHUP" && ignoresHangUp) return;
    if (signal === "SIGQUIT") {
      // Without a listener, the process would leave its commands behind.
      host.exit(exitCodes.interrupted);
      return;
    }
    if (clock.monotonicMs() - countedMs < SIGNAL_GAP_MS) return;
    times += 1;
    // The first signal drains, the second aborts, the third exits at once.
    if (times > 2) host.exit(exitCodes.interrupted);
    // After the command, only a reader that has stopped keeps the process.
    if (times === 2 || listeners.size === 0) aborting.abort();
    interrupt("signal");
  };

  return {
    input: () => host.stdin,
    inputIsTerminal: host.stdin.isTTY === true,
    // Ctrl-C also ends the reader of a pipe, and that may arrive first.
    out: sink(host.stdout, aborting.signal, () => interrupt("output-closed")),
    err: sink(host.stderr, aborting.signal, () => {}),
    async flush() {
      const flushed = Promise.all(
        [host.stdout, host.stderr].map((output) => new Promise<void>((resolve) => output.write("", resolve))),
      );
      await Promise.race([flushed, whenAborted(aborting.signal).then(() => delay(clock, FLUSH_MS, []))]);
    },
    env: host.env,
    clock,
    random: Math.random,
    onInterrupt(listener) {
      times = 0;
      listeners.add(listener);
      // Stays until the process exits: a late signal must not replace the exit code of a command that has ended.
      if (!isListening) for (const signal of SIGNALS) host.on(signal, onSignal);
      isListening = true;
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else onAbort(signal, resolve);
  });
}

/** Node resets the ignored SIGHUP of `nohup` at its start. Shells name the command that they run in `_`. */
function isUnderNohup(env: HostProcess["env"]): boolean {
  return /(^|\/)nohup$/.test(env["_"] ?? "");
}

/** @param aborting ends the waiting for a reader that does not read. */
function sink(stream: ProcessOutput, aborting: AbortSignal, onBroken: () => void): Sink {
  let isBroken = false;
  stream.on("error", () => {
    if (!isBroken) onBroken();
    isBroken = true;
  });
  const isTerminal = stream.isTTY === true;
  return {
    isTerminal,
    hasColours: isTerminal && stream.hasColors?.() === true,
    get columns() {
      // Some terminals report a width of 0.
      const { columns = 0 } = stream;
      return columns > 0 ? columns : DEFAULT_COLUMNS;
    },
    write: (text) =>
      new Promise((resolve) => {
        if (isBroken) {
          resolve();
          return;
        }
        const leave = onAbort(aborting, resolve);
        stream.write(text, () => {
          leave();
          resolve();
        });
        if (aborting.aborted) resolve();
      }),
  };
}
