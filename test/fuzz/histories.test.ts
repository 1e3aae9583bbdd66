import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { formatHistory, parseHistory } from "../../src/history/history-text.ts";
import * as latchkey from "../../src/index.ts";
import { checkHistory } from "../../src/testing/judge/check-history.ts";
import { checkStoreHistory } from "../../src/testing/judge/store-history.ts";
import { simulate } from "../../src/testing/sim/simulate.ts";
import { allFaults, worldWith } from "../support/faulty-world.ts";
import { latchkeyService } from "../support/latchkey-service.ts";
import { anyBytes, deepJson, nearly, nearlyBytes } from "./nearly.ts";

/** The lines of a run in which much goes wrong. */
let lines: readonly string[];
let members: ReadonlyArray<Readonly<Record<string, unknown>>>;
beforeAll(async () => {
  const schedule = [0, 7, 0, 0, 11, 3, 0, 0, 21, 0, 0, 5, 0, 0, 30, 2, 0, 0, 9, 0, 0, 0, 17];
  const { history } = await simulate(worldWith(latchkeyService(latchkey), allFaults), schedule);
  members = history.map((line) => Object.fromEntries(Object.entries(line)));
  lines = formatHistory(history).trimEnd().split("\n");
});

/** Refuses by the number of a line, or reads and judges; what was read is written as it was. */
function readsOrRefuses(text: string): void {
  let history: ReturnType<typeof parseHistory>;
  try {
    history = parseHistory(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/^TypeError: Line \d+ of the history: \S/);
    return;
  }
  expect(parseHistory(formatHistory(history))).toEqual(history);
  for (const judge of [checkHistory, checkStoreHistory]) {
    try {
      judge(history);
    } catch (error) {
      expect(String(error)).toContain("Expected all recorders to use one clock");
    }
  }
}

describe("a history is read and judged, or refused by the line that is wrong", () => {
  it("whatever bytes there are", () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearlyBytes(fc.constant(lines.join("\n")))), (bytes) => {
        readsOrRefuses(Buffer.from(bytes).toString());
      }),
      { numRuns: 300 },
    );
  });

  it("when it nearly is one: lines are changed, missing, doubled and in another order", () => {
    const changed = fc
      .nat(lines.length - 1)
      .chain((at) => nearly(members[at] ?? {}).map((line) => [at, JSON.stringify(line)] as const));
    fc.assert(
      fc.property(
        fc.array(changed, { maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom("move", "drop", "double")), { maxLength: 3 }),
        (changes, shifts) => {
          const all = [...lines];
          for (const [at, line] of changes) all[at] = line;
          for (const [from, to, how] of shifts) {
            const line = all[1 + (from % (all.length - 1))] ?? "";
            if (how !== "double") all.splice(1 + (from % (all.length - 1)), 1);
            if (how !== "drop") all.splice(1 + (to % all.length), 0, line);
          }
          readsOrRefuses(all.join("\n"));
        },
      ),
      { numRuns: 700 },
    );
  });

  it("when it is deeper than a program can go", () => {
    const [header] = lines;
    readsOrRefuses(deepJson);
    readsOrRefuses(`${header}\n${deepJson}`);
  });
});
