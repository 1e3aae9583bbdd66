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

/** The lines of a run with many faults. */
let lines: readonly string[];
let members: ReadonlyArray<Readonly<Record<string, unknown>>>;
beforeAll(async () => {
  const schedule = [0, 7, 0, 0, 11, 3, 0, 0, 21, 0, 0, 5, 0, 0, 30, 2, 0, 0, 9, 0, 0, 0, 17];
  const { history } = await simulate(worldWith(latchkeyService(latchkey), allFaults), schedule);
  members = history.map((line) => Object.fromEntries(Object.entries(line)));
  lines = formatHistory(history).trimEnd().split("\n");
});

/** Parses and judges a history, or expects an error with a line number. Expects that writing a parsed history restores it. */
function verdictOn(text: string): number | "refused" {
  let history: ReturnType<typeof parseHistory>;
  try {
    history = parseHistory(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/^TypeError: Line \d+ of the history: \S/);
    return "refused";
  }
  expect(parseHistory(formatHistory(history))).toEqual(history);
  for (const judge of [checkHistory, checkStoreHistory]) {
    try {
      judge(history);
    } catch (error) {
      expect(String(error)).toContain("Expected all recorders to use one clock");
    }
  }
  return history.length;
}

const shift = fc.tuple(fc.nat(), fc.nat(), fc.constantFrom("move", "drop", "double"));

/** Moves, drops and doubles lines other than the header. */
function shifted(all: readonly string[], shifts: ReadonlyArray<readonly [number, number, string]>): readonly string[] {
  const result = [...all];
  for (const [from, to, how] of shifts) {
    const at = 1 + (from % (result.length - 1));
    const line = result[at] ?? "";
    if (how !== "double") result.splice(at, 1);
    if (how !== "drop") result.splice(1 + (to % result.length), 0, line);
  }
  return result;
}

describe("parseHistory", () => {
  it("parses any bytes or refuses them with the number of a line", () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearlyBytes(fc.constant(lines.join("\n")))), (bytes) => {
        verdictOn(Buffer.from(bytes).toString());
      }),
      { numRuns: 300 },
    );
  });

  it("parses lines in any order, with some missing or doubled", () => {
    fc.assert(
      fc.property(fc.array(shift, { maxLength: 5 }), (shifts) => {
        const all = shifted(lines, shifts);
        expect(verdictOn(all.join("\n"))).toBe(all.length);
      }),
      { numRuns: 300 },
    );
  });

  it("refuses a line without a required member, and gives its number", () => {
    const at = fc.integer({ min: 1, max: lines.length - 1 });
    fc.assert(
      fc.property(at, fc.constantFrom("type", "process", "atMs"), (index, name) => {
        const rest = Object.fromEntries(Object.entries(members[index] ?? {}).filter(([member]) => member !== name));
        const text = lines.with(index, JSON.stringify(rest)).join("\n");
        expect(() => parseHistory(text)).toThrow(`Line ${index + 1} of the history: Expected \`${name}\` to be`);
      }),
      { numRuns: 200 },
    );
  });

  it("parses a line with a changed member, or refuses the history", () => {
    const changed = fc
      .nat(lines.length - 1)
      .chain((at) => nearly(members[at] ?? {}).map((line) => [at, JSON.stringify(line)] as const));
    let refused = 0;
    fc.assert(
      fc.property(fc.array(changed, { minLength: 1, maxLength: 3 }), (changes) => {
        const all = [...lines];
        for (const [at, line] of changes) all[at] = line;
        const verdict = verdictOn(all.join("\n"));
        if (verdict === "refused") refused += 1;
        else expect(verdict).toBe(all.length);
      }),
      { numRuns: 400 },
    );
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThan(400);
  });

  it("refuses values that are too deeply nested", () => {
    const [header] = lines;
    expect(verdictOn(deepJson)).toBe("refused");
    expect(verdictOn(`${header}\n${deepJson}`)).toBe("refused");
  });
});
