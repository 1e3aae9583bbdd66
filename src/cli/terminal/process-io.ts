import type { Readable } from "node:stream";
import { systemClock } from "../../internal/clock.ts";
import { exitCodes } from "./exit-codes.ts";
import type { CliIo, Sink } from "./io.ts";

/** The parts of a process that commands use. */
export interface Host {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: HeededSignal, listener: () => void): unknown;
  off(signal: HeededSignal, listener: () => void): unknown;
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

type HeededSignal = "SIGINT" | "SIGTERM";

const DEFAULT_COLUMNS = 80;
const SIGNALS: readonly HeededSignal[] = ["SIGINT", "SIGTERM"];

/** Connects a command to the streams, environment, clock and signals of a process. */
export function processIo(host: Host): CliIo {
  const brokenPipe = new Set<() => void>();
  return {
    input: () => host.stdin,
    inputIsTerminal: host.stdin.isTTY === true,
    out: sink(host.stdout, () => {
      for (const listener of brokenPipe) listener();
    }),
    err: sink(host.stderr, () => {}),
    env: host.env,
    clock: systemClock,
    random: Math.random,
    onInterrupt(listener) {
      let times = 0;
      const onSignal = (): void => {
        times += 1;
        // The first signal drains, the second aborts, the third exits at once.
        if (times > 2) host.exit(exitCodes.interrupted);
        listener();
      };
      for (const signal of SIGNALS) host.on(signal, onSignal);
      brokenPipe.add(listener);
      return () => {
        for (const signal of SIGNALS) host.off(signal, onSignal);
        brokenPipe.delete(listener);
      };
    },
  };
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
