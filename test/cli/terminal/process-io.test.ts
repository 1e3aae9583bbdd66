import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Interruption } from "../../../src/cli/terminal/interruption.ts";
import type { Sink } from "../../../src/cli/terminal/io.ts";
import { type HostProcess, type ProcessOutput, processIo } from "../../../src/cli/terminal/process-io.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

/** An output that accepts writes only when the test says so. */
class FakeOutput extends EventEmitter implements ProcessOutput {
  text = "";
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly hasColors?: () => boolean;
  readonly #taken: (() => void)[] = [];

  constructor(terminal?: { readonly columns?: number; readonly hasColors?: boolean }) {
    super();
    if (terminal === undefined) return;
    const { columns, hasColors } = terminal;
    this.isTTY = true;
    if (columns !== undefined) this.columns = columns;
    if (hasColors !== undefined) this.hasColors = () => hasColors;
  }

  write(text: string, done: () => void): void {
    this.text += text;
    this.#taken.push(done);
  }

  take(): void {
    for (const done of this.#taken.splice(0)) done();
  }
}

class FakeHost extends EventEmitter implements HostProcess {
  readonly stdin = new PassThrough();
  readonly stdout: FakeOutput;
  readonly stderr = new FakeOutput();
  readonly env = { GREETING: "hello" };
  readonly exits: number[] = [];

  constructor(stdout = new FakeOutput()) {
    super();
    this.stdout = stdout;
  }

  exit(exitCode: number): void {
    this.exits.push(exitCode);
  }
}

describe("the output of a process", () => {
  const look = ({ isTerminal, hasColours, columns }: Sink) => ({ isTerminal, hasColours, columns });

  it.each([
    ["a pipe", undefined, { isTerminal: false, hasColours: false, columns: 80 }],
    ["a terminal", { columns: 120, hasColors: true }, { isTerminal: true, hasColours: true, columns: 120 }],
    [
      "a terminal without colours",
      { columns: 40, hasColors: false },
      { isTerminal: true, hasColours: false, columns: 40 },
    ],
    ["a terminal of unknown width", { columns: 0 }, { isTerminal: true, hasColours: false, columns: 80 }],
  ])("describes %s", (_, terminal, appearance) => {
    expect(look(processIo(new FakeHost(new FakeOutput(terminal))).out)).toEqual(appearance);
  });

  it("applies backpressure of a slow reader", async () => {
    const host = new FakeHost();
    let isTaken = false;
    const writing = processIo(host)
      .out.write("text")
      .then(() => {
        isTaken = true;
      });
    await Promise.resolve();
    expect([host.stdout.text, isTaken]).toEqual(["text", false]);
    host.stdout.take();
    await writing;
  });

  it("interrupts the command once its reader has closed, and discards later writes", async () => {
    const host = new FakeHost();
    const io = processIo(host);
    const causes: string[] = [];
    io.onInterrupt((cause) => causes.push(cause));
    host.stdout.emit("error", new Error("EPIPE"));
    host.stdout.emit("error", new Error("EPIPE"));
    await io.out.write("nobody reads this");
    expect([causes, host.stdout.text]).toEqual([["output-closed"], ""]);
  });

  it("does not wait for a reader that has stopped once the command is aborted", async () => {
    const clock = new SimulatedClock();
    const host = new FakeHost();
    const io = processIo(host, clock);
    io.onInterrupt(() => {});
    const waiting = io.out.write("before");
    for (let signals = 0; signals < 2; signals += 1) {
      host.emit("SIGINT", "SIGINT");
      clock.advance(500);
    }
    await waiting;
    await io.out.write(", after");
    const flushed = io.flush();
    await new Promise(setImmediate);
    clock.advance(500);
    await flushed;
    expect(host.stdout.text).toBe("before, after");
  });

  it("does not interrupt if the reader of standard error has closed", async () => {
    const host = new FakeHost();
    const io = processIo(host);
    io.onInterrupt(() => expect.unreachable());
    host.stderr.emit("error", new Error("EPIPE"));
    await io.err.write("nobody reads this");
  });
});

describe("the signals of a process", () => {
  /** Sends signals at the given times, and returns the causes of the interruptions. */
  function interruptions(
    signals: ReadonlyArray<readonly [atMs: number, signal: string]>,
    env: Readonly<Record<string, string>> = {},
  ): { readonly causes: readonly string[]; readonly exits: readonly number[] } {
    const clock = new SimulatedClock();
    const host = Object.assign(new FakeHost(), { env });
    const causes: string[] = [];
    processIo(host, clock).onInterrupt((cause) => causes.push(cause));
    for (const [atMs, signal] of signals) {
      clock.advance(atMs - clock.monotonicMs());
      host.emit(signal, signal);
    }
    return { causes, exits: host.exits };
  }

  it.each(["SIGINT", "SIGTERM", "SIGHUP"])("interrupt with %s", (signal) => {
    expect(interruptions([[0, signal]])).toEqual({ causes: ["signal"], exits: [] });
  });

  it("count only once if Ctrl-C ends the reader of the output too, in any order", () => {
    for (const order of [
      ["SIGINT", "pipe"],
      ["pipe", "SIGINT"],
    ]) {
      const host = new FakeHost();
      using interruption = new Interruption(processIo(host, new SimulatedClock()));
      for (const one of order) (one === "pipe" ? host.stdout : host).emit(one === "pipe" ? "error" : one, one);
      expect([interruption.drain.aborted, interruption.abort.aborted]).toEqual([true, false]);
    }
  });

  it("count only once within half a second, because npm forwards them", () => {
    expect(
      interruptions([
        [0, "SIGINT"],
        [3, "SIGINT"],
        [499, "SIGTERM"],
      ]).causes,
    ).toEqual(["signal"]);
    expect(
      interruptions([
        [0, "SIGINT"],
        [500, "SIGINT"],
      ]).causes,
    ).toEqual(["signal", "signal"]);
  });

  it("end the process the third time, in any order", () => {
    const anySignal = fc.constantFrom("SIGINT", "SIGTERM", "SIGHUP");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 1_500 }), anySignal), { maxLength: 12 }), (gaps) => {
        let atMs = 0;
        let countedMs = Number.NEGATIVE_INFINITY;
        let counted = 0;
        const signals = gaps.map(([gapMs, signal]) => {
          atMs += gapMs;
          if (atMs - countedMs >= 500) {
            counted += 1;
            countedMs = atMs;
          }
          return [atMs, signal] as const;
        });
        const { causes, exits } = interruptions(signals);
        expect(causes).toHaveLength(counted);
        expect(exits).toEqual(Array.from({ length: Math.max(0, counted - 2) }, () => 130));
      }),
    );
  });

  it("end the process at once with SIGQUIT, which would leave its commands behind", () => {
    expect(interruptions([[0, "SIGQUIT"]])).toEqual({ causes: [], exits: [130] });
  });

  it("do not include SIGHUP under nohup", () => {
    const env = { _: "/usr/bin/nohup" };
    expect(
      interruptions(
        [
          [0, "SIGHUP"],
          [1_000, "SIGHUP"],
        ],
        env,
      ),
    ).toEqual({ causes: [], exits: [] });
    expect(
      interruptions(
        [
          [0, "SIGHUP"],
          [1, "SIGTERM"],
        ],
        env,
      ).causes,
    ).toEqual(["signal"]);
    expect(interruptions([[0, "SIGHUP"]], { _: "/usr/bin/node" }).causes).toEqual(["signal"]);
  });

  it("leave the exit code of a command that has ended, and end only the waiting for its reader", async () => {
    const clock = new SimulatedClock();
    const host = new FakeHost();
    const io = processIo(host, clock);
    const stop = io.onInterrupt(() => expect.unreachable());
    stop();
    const flushed = io.flush();
    host.emit("SIGTERM", "SIGTERM");
    await new Promise(setImmediate);
    clock.advance(500);
    await flushed;
    host.stdout.emit("error", new Error("EPIPE"));
    expect(host.exits).toEqual([]);
  });
});

it("the io of a process has its input and environment", () => {
  const host = new FakeHost();
  const io = processIo(host);
  expect([io.input(), io.inputIsTerminal, io.env]).toEqual([host.stdin, false, { GREETING: "hello" }]);
  expect(
    processIo(Object.assign(host, { stdin: Object.assign(new PassThrough(), { isTTY: true }) })).inputIsTerminal,
  ).toBe(true);
});
