import { describe, expect, it } from "vitest";
import type { IncomingEvent } from "../../../../src/cli/run/event/incoming-event.ts";
import { execTarget } from "../../../../src/cli/run/target/exec-target.ts";
import type { TargetFailure } from "../../../../src/cli/run/target/target.ts";
import { CommandError } from "../../../../src/cli/terminal/command-error.ts";
import { systemClock } from "../../../../src/internal/clock.ts";
import { hastyClock } from "../../support/fake-io.ts";
import { targetContext } from "../../support/target-context.ts";

const event: IncomingEvent = {
  format: "opaque",
  eventId: "evt-1",
  attributes: { type: "order.placed" },
  headers: {},
  contentType: "application/json",
  body: "the payload",
  original: "the whole line",
};

interface Attempted {
  readonly failure: TargetFailure | undefined;
  readonly printed: string;
}

async function attempt(
  command: readonly [string, ...string[]],
  how: {
    event?: IncomingEvent;
    signal?: AbortSignal;
    onOutput?: (text: string) => void;
    clock?: typeof systemClock;
  } = {},
): Promise<Attempted> {
  let printed = "";
  const target = execTarget({
    command,
    clock: how.clock ?? systemClock,
    env: { PATH: process.env["PATH"], GREETING: "hello" },
    onOutput: (text) => {
      printed += text;
      how.onOutput?.(text);
    },
  });
  const failure = await target.dispatch(how.event ?? event, {
    ...targetContext,
    signal: how.signal ?? targetContext.signal,
  });
  return { failure, printed };
}

const sh = (script: string): readonly [string, ...string[]] => ["sh", "-c", script];

describe("a command", () => {
  it("gets the event on standard input, and key, fence and attempt in its environment", async () => {
    const script =
      'cat; echo " $LATCHKEY_IDEMPOTENCY_KEY $LATCHKEY_FENCE $LATCHKEY_ATTEMPT $LATCHKEY_WORKSPACE $LATCHKEY_SUBSCRIPTION $LATCHKEY_EVENT_ID $LATCHKEY_EVENT_TYPE $GREETING"';
    expect(await attempt(sh(script))).toEqual({
      failure: undefined,
      printed: `the whole line ${targetContext.idempotencyKey} 7 2 acme sub-1 evt-1 order.placed hello\n`,
    });
  });

  it("gets the trace context in its environment", async () => {
    const traced = { ...event, headers: { traceparent: "00-0af7-b7ad-01", tracestate: "vendor=1" } };
    expect((await attempt(sh('echo "$TRACEPARENT $TRACESTATE"'), { event: traced })).printed).toBe(
      "00-0af7-b7ad-01 vendor=1\n",
    );
  });

  it("gets an empty type if the event has none", async () => {
    const { printed } = await attempt(sh('echo "<$LATCHKEY_EVENT_TYPE>"'), { event: { ...event, attributes: {} } });
    expect(printed).toBe("<>\n");
  });

  it("gets its arguments unchanged, without a shell", async () => {
    expect((await attempt(["echo", "$GREETING", "a b", "*"])).printed).toBe("$GREETING a b *\n");
  });

  it("prints both of its output streams", async () => {
    const { printed } = await attempt(sh("echo one; sleep 0.05; echo two >&2"));
    expect(printed).toBe("one\ntwo\n");
  });

  it("prints by whole lines", async () => {
    const texts: string[] = [];
    await attempt(sh("printf 'one '; sleep 0.05; printf 'line\\nand'; sleep 0.05; printf ' more'"), {
      onOutput: (text) => texts.push(text),
    });
    expect(texts).toEqual(["one line\n", "and more\n"]);
  });

  it("prints a long line without a line end in parts", async () => {
    const texts: string[] = [];
    const { printed } = await attempt(sh("head -c 200000 /dev/zero | tr '\\0' x"), {
      onOutput: (text) => texts.push(text),
    });
    expect(texts.length).toBeGreaterThan(1);
    expect(printed).toBe(`${"x".repeat(200_000)}\n`);
  });

  it("fails with a non-zero exit code or a signal", async () => {
    expect((await attempt(sh("exit 3"))).failure).toEqual({ failure: "exit", exitCode: 3 });
    expect((await attempt(sh("kill -9 $$"))).failure).toEqual({ failure: "killed", by: "SIGKILL" });
  });

  it("may ignore its event, whatever its length", async () => {
    const long = { ...event, original: "x".repeat(5_000_000) };
    expect((await attempt(["true"], { event: long })).failure).toBeUndefined();
    expect((await attempt(sh("wc -c"), { event: long })).printed.trim()).toBe("5000000");
  });

  it("ends with its own process, whatever it leaves running", async () => {
    const { failure, printed } = await attempt(sh("echo started; sleep 60 & echo $!"));
    expect({ failure, printed }).toEqual({ failure: undefined, printed: expect.stringMatching(/^started\n\d+\n$/) });
    process.kill(Number(printed.split("\n")[1]));
  });

  it("prints the output of background processes for a limited time", async () => {
    const late = await attempt(sh("(for i in 1 2 3; do sleep 0.2; echo late $i; done) & echo started"));
    expect(late).toEqual({ failure: undefined, printed: "started\nlate 1\nlate 2\nlate 3\n" });
    const endless = await attempt(sh("(while :; do echo more; sleep 0.001; done) & echo $!; echo started"), {
      clock: { ...systemClock, schedule: (delayMs, run) => systemClock.schedule(delayMs / 10, run) },
    });
    process.kill(Number(endless.printed.split("\n").find((line) => /^\d+$/.test(line))));
    expect(endless.printed).toContain("started\n");
    expect(endless.printed).toContain("more\n");
  });

  it.each<[string, string, string]>([
    ["does not exist", "/nonexistent/command", "there is no such file (ENOENT)"],
    ["is not on the PATH", "latchkey-nowhere", "no program of this name is on the PATH (ENOENT)"],
    ["is not executable", "/etc/passwd", "it is not executable; use chmod +x (EACCES)"],
    ["is a path through a file", "/etc/passwd/command", "ENOTDIR"],
    ["needs a shell", "true && true", 'for shell syntax, use --exec sh -c "<command>"'],
  ])("ends the run if it %s", async (_, program, advice) => {
    const error: unknown = await attempt([program]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommandError);
    expect(error).toHaveProperty("message", expect.stringContaining(advice));
  });

  it("fails for one event if it cannot start for that event", async () => {
    const { failure } = await attempt(["true"], { event: { ...event, eventId: "x".repeat(3_000_000) } });
    expect(failure).toEqual({ failure: "not-started", code: "E2BIG" });
  });

  it("gets NUL characters of an event id replaced", async () => {
    const odd = { ...event, eventId: "a\0b" };
    expect((await attempt(sh("echo $LATCHKEY_EVENT_ID"), { event: odd })).printed).toBe("a\u{fffd}b\n");
  });

  it("gets a SIGTERM with its whole process group when the signal aborts", async () => {
    const controller = new AbortController();
    const { failure, printed } = await attempt(sh("trap 'echo ending; exit 0' TERM; echo ready; sleep 60 & wait"), {
      signal: controller.signal,
      onOutput: (text) => text.includes("ready") && controller.abort(),
    });
    // Its exit code reports success.
    expect({ failure, printed }).toEqual({ failure: undefined, printed: "ready\nending\n" });
    const aborted = new AbortController();
    const { failure: other } = await attempt(sh("echo ready; sleep 60; echo never"), {
      signal: aborted.signal,
      onOutput: () => aborted.abort(),
    });
    expect(other).toEqual({ failure: "aborted" });
  });

  it("gets a SIGKILL if it ignores the SIGTERM", async () => {
    const controller = new AbortController();
    const { failure } = await attempt(sh("trap '' TERM; echo ready; while :; do sleep 0.01; done"), {
      signal: controller.signal,
      clock: hastyClock,
      onOutput: () => controller.abort(),
    });
    expect(failure).toEqual({ failure: "aborted" });
  });

  it("never outlives its time limit by more than a second, whatever it ignores and leaves running", async () => {
    const scripts = [
      "trap '' TERM; echo $$; while :; do sleep 0.01; done",
      "trap '' TERM; (trap '' TERM; while :; do echo more; sleep 0.01; done) & echo $$; wait",
    ];
    for (const script of scripts) {
      const controller = new AbortController();
      let abortedMs = Number.NaN;
      const { failure } = await attempt(sh(script), {
        signal: controller.signal,
        onOutput: () => {
          if (!controller.signal.aborted) abortedMs = systemClock.monotonicMs();
          controller.abort();
        },
      });
      expect(failure).toEqual({ failure: "aborted" });
      expect(systemClock.monotonicMs() - abortedMs).toBeLessThan(2_000);
    }
  });

  it("does not start if the signal has aborted", async () => {
    const signal = AbortSignal.abort();
    expect(await attempt(sh("echo started"), { signal })).toEqual({ failure: { failure: "aborted" }, printed: "" });
  });
});
