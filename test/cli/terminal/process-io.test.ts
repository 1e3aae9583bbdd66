import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Sink } from "../../../src/cli/terminal/io.ts";
import { type Host, type Output, processIo } from "../../../src/cli/terminal/process-io.ts";

/** An output that a test holds in its hands: what is written is taken when the test says so. */
class FakeOutput extends EventEmitter implements Output {
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

class FakeHost extends EventEmitter implements Host {
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
  ])("describes %s", (_, terminal, looks) => {
    expect(look(processIo(new FakeHost(new FakeOutput(terminal))).out)).toEqual(looks);
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

  it("interrupts the command once its reader is gone, and discards later writes", async () => {
    const host = new FakeHost();
    const io = processIo(host);
    let interruptions = 0;
    io.onInterrupt(() => {
      interruptions += 1;
    });
    host.stdout.emit("error", new Error("EPIPE"));
    host.stdout.emit("error", new Error("EPIPE"));
    await io.out.write("nobody reads this");
    expect([interruptions, host.stdout.text]).toEqual([1, ""]);
  });

  it("does not interrupt if the reader of standard error is gone", async () => {
    const host = new FakeHost();
    const io = processIo(host);
    io.onInterrupt(() => expect.unreachable());
    host.stderr.emit("error", new Error("EPIPE"));
    await io.err.write("nobody reads this");
  });
});

describe("the signals of a process", () => {
  it("interrupt with SIGINT and SIGTERM", () => {
    const host = new FakeHost();
    let interruptions = 0;
    processIo(host).onInterrupt(() => {
      interruptions += 1;
    });
    host.emit("SIGINT");
    host.emit("SIGTERM");
    expect([interruptions, host.exits]).toEqual([2, []]);
  });

  it("end the process the third time", () => {
    const host = new FakeHost();
    processIo(host).onInterrupt(() => {});
    for (let times = 0; times < 3; times += 1) host.emit("SIGINT");
    expect(host.exits).toEqual([130]);
  });

  it("have no listeners after the command", () => {
    const host = new FakeHost();
    const stop = processIo(host).onInterrupt(() => expect.unreachable());
    stop();
    expect(host.listenerCount("SIGINT") + host.listenerCount("SIGTERM")).toBe(0);
    host.stdout.emit("error", new Error("EPIPE"));
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
