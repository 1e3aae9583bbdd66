import type { Readable } from "node:stream";
import { type Clock, systemClock } from "../../internal/clock.ts";
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

type HandledSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

const DEFAULT_COLUMNS = 80;
const SIGNALS: readonly HandledSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Minimum time between two signals that count, in milliseconds. npm and npx forward Ctrl-C, so that one key press arrives twice
 * within milliseconds.
 */
const SIGNAL_GAP_MS = 500;

/** Connects a command to the streams, environment, clock and signals of a process. */
export function processIo(host: Host, clock: Clock = systemClock): CliIo {
  const brokenPipe = new Set<() => void>();
  const ignoresHangUp = isUnderNohup(host.env);
  return {
    input: () => host.stdin,
    inputIsTerminal: host.stdin.isTTY === true,
    out: sink(host.stdout, () => {
      for (const listener of brokenPipe) listener();
    }),
    err: sink(host.stderr, () => {}),
    env: host.env,
    clock,
    random: Math.random,
    onInterrupt(listener) {
      let times = 0;
      let countedMs = Number.NEGATIVE_INFINITY;
      const onSignal = (signal: HandledSignal): void => {
        if (signal === "SIGHUP" && ignoresHangUp) return;
        const nowMs = clock.monotonicMs();
        if (nowMs - countedMs < SIGNAL_GAP_MS) return;
        countedMs = nowMs;
        times += 1;
        // The first signal drains, the second aborts, the third exits at once.
        if (times > 2) host.exit(exitCodes.interrupted);
        listener("signal");
      };
      const onBrokenPipe = (): void => listener("output-closed");
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

function sink(stream: Output, onBroken: () => void): Sink {
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
        if (isBroken) resolve();
        else stream.write(text, () => resolve());
      }),
  };
}
