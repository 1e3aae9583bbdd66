import type { Readable } from "node:stream";
import { onAbort } from "../../internal/abort.ts";
import { type Clock, delay, systemClock } from "../../internal/clock.ts";
import { exitCodes } from "./exit-codes.ts";
import type { CliIo, Sink } from "./io.ts";

/** The parts of a process that commands use. */
export interface Host {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: HandledSignal, listener: (signal: HandledSignal) => void): unknown;
  off(signal: HandledSignal, listener: (signal: HandledSignal) => void): unknown;
  exit(exitCode: number): unknown;
}

/** An output of a process. The optional members exist if it is a terminal. */
export interface Output {
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
export function processIo(host: Host, clock: Clock = systemClock): ProcessIo {
  const brokenPipe = new Set<() => void>();
  const ignoresHangUp = isUnderNohup(host.env);
  const aborting = new AbortController();
  const out = sink(host.stdout, aborting.signal, () => {
    for (const listener of brokenPipe) listener();
  });
  const err = sink(host.stderr, aborting.signal, () => {});
  return {
    input: () => host.stdin,
    inputIsTerminal: host.stdin.isTTY === true,
    out,
    err,
    async flush() {
      const flushed = Promise.all(
        [host.stdout, host.stderr].map((output) => new Promise<void>((resolve) => output.write("", resolve))),
      );
      await (aborting.signal.aborted ? Promise.race([flushed, delay(clock, FLUSH_MS, [])]) : flushed);
    },
    env: host.env,
    clock,
    random: Math.random,
    onInterrupt(listener) {
      let times = 0;
      let countedMs = Number.NEGATIVE_INFINITY;
      const onSignal = (signal: HandledSignal): void => {
        if (signal === "SIGHUP" && ignoresHangUp) return;
        if (signal === "SIGQUIT") {
          // Without a listener, the process would leave its commands behind.
          host.exit(exitCodes.interrupted);
          return;
        }
        const nowMs = clock.monotonicMs();
        if (nowMs - countedMs < SIGNAL_GAP_MS) return;
        countedMs = nowMs;
        times += 1;
        // The first signal drains, the second aborts, the third exits at once.
        if (times > 2) host.exit(exitCodes.interrupted);
        if (times === 2) aborting.abort();
        listener("signal");
      };
      const onBrokenPipe = (): void => {
        // Ctrl-C also ends the reader of a pipe, and that may arrive first.
        countedMs = clock.monotonicMs();
        listener("output-closed");
      };
      for (const signal of SIGNALS) host.on(signal, onSignal);
      brokenPipe.add(onBrokenPipe);
      return () => {
        for (const signal of SIGNALS) host.off(signal, onSignal);
        brokenPipe.delete(onBrokenPipe);
      };
    },
  };
}

/** Node resets the ignored SIGHUP of `nohup` at its start. Shells name the command that they run in `_`. */
function isUnderNohup(env: Host["env"]): boolean {
  return /(^|\/)nohup$/.test(env["_"] ?? "");
}

/** @param aborting ends the waiting for a reader that does not read. */
function sink(stream: Output, aborting: AbortSignal, onBroken: () => void): Sink {
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
