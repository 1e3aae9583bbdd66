import { PassThrough, Readable } from "node:stream";
import { runCli } from "../../../src/cli/cli.ts";
import type { CliIo, InterruptionCause, Sink } from "../../../src/cli/terminal/io.ts";
import { type Clock, systemClock } from "../../../src/internal/clock.ts";

/** Collects the written text. */
export class FakeSink implements Sink {
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  readonly columns = 80;
  text = "";
  readonly #watchers = new Set<() => void>();

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
    this.hasColours = isTerminal;
  }

  async write(text: string): Promise<void> {
    this.text += text;
    for (const watcher of this.#watchers) watcher();
  }

  /** Resolves when the written text contains `part`. */
  async until(part: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.text.includes(part)) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }
}

/** Clock on which a pause of seconds takes milliseconds, so a test does not wait for the command's pauses. */
export const hastyClock: Clock = {
  monotonicMs: () => systemClock.monotonicMs(),
  wallMs: () => systemClock.wallMs(),
  schedule: (delayMs, run) => systemClock.schedule(delayMs / 1_000, run),
};

export interface FakeIoOptions {
  readonly input?: string | Uint8Array | Readable;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  readonly terminal?: boolean;
  readonly inputIsTerminal?: boolean;
  /** True to interrupt the command as soon as it listens for it. */
  readonly interrupted?: boolean;
}

/** A terminal or a pipe that a test controls. */
export class FakeIo implements CliIo {
  readonly out: FakeSink;
  readonly err: FakeSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly inputIsTerminal: boolean;
  readonly random = (): number => 0.5;
  readonly #input: Readable;
  readonly #isInterrupted: boolean;
  readonly #listeners = new Set<(cause: InterruptionCause) => void>();

  constructor(options: FakeIoOptions = {}) {
    const { input = "", terminal = false } = options;
    this.out = new FakeSink(terminal);
    this.err = new FakeSink(terminal);
    this.env = options.env ?? { PATH: process.env["PATH"] };
    this.clock = options.clock ?? systemClock;
    this.inputIsTerminal = options.inputIsTerminal ?? false;
    this.#isInterrupted = options.interrupted ?? false;
    this.#input = input instanceof Readable ? input : new PassThrough().end(input);
  }

  readonly input = (): Readable => this.#input;

  /** Number of listeners for Ctrl-C. 0 after a command that leaves none behind. */
  get listeners(): number {
    return this.#listeners.size;
  }

  onInterrupt(listener: (cause: InterruptionCause) => void): () => void {
    this.#listeners.add(listener);
    if (this.#isInterrupted) queueMicrotask(() => listener("signal"));
    return () => void this.#listeners.delete(listener);
  }

  interrupt(cause: InterruptionCause = "signal"): void {
    for (const listener of [...this.#listeners]) listener(cause);
  }
}

/** Result of a command. */
export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** Parses standard output as one JSON object per line. */
  readonly objects: () => readonly Readonly<Record<string, unknown>>[];
}

export async function run(argv: readonly string[], options: FakeIoOptions = {}): Promise<Ran> {
  const io = new FakeIo(options);
  return ranWith(await runCli(argv, io), io);
}

export function ranWith(exitCode: number, io: FakeIo): Ran {
  return { exitCode, out: io.out.text, err: io.err.text, objects: () => objectsIn(io.out.text) };
}

function objectsIn(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const value: unknown = JSON.parse(line);
      if (!isObject(value)) throw new Error(`Not an object: ${line}`);
      return value;
    });
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
