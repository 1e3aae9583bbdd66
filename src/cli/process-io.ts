import { systemClock } from "../clock.ts";
import { exitCodes } from "./exit-codes.ts";
import type { CliIo, Sink } from "./io.ts";

const DEFAULT_COLUMNS = 80;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** This process: its streams, environment, clock and signals. */
export function processIo(): CliIo {
  const brokenPipe = new Set<() => void>();
  return {
    input: () => process.stdin,
    inputIsTerminal: process.stdin.isTTY,
    out: sink(process.stdout, () => {
      for (const listener of brokenPipe) listener();
    }),
    err: sink(process.stderr, () => {}),
    env: process.env,
    clock: systemClock,
    random: Math.random,
    onInterrupt(listener) {
      let times = 0;
      const onSignal = (): void => {
        times += 1;
        // The first drains, the second aborts; somebody who asks a third time wants out.
        if (times > 2) process.exit(exitCodes.interrupted);
        listener();
      };
      for (const signal of SIGNALS) process.on(signal, onSignal);
      brokenPipe.add(listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, onSignal);
        brokenPipe.delete(listener);
      };
    },
  };
}

function sink(stream: NodeJS.WriteStream, onBroken: () => void): Sink {
  let broken = false;
  stream.on("error", () => {
    if (!broken) onBroken();
    broken = true;
  });
  const isTerminal = stream.isTTY;
  return {
    isTerminal,
    hasColours: isTerminal && stream.hasColors(),
    get columns() {
      return isTerminal ? stream.columns : DEFAULT_COLUMNS;
    },
    write: (text) =>
      new Promise((resolve) => {
        if (broken) resolve();
        else stream.write(text, () => resolve());
      }),
  };
}
