import { describe, expect, it } from "vitest";
import { effectOnce } from "../../src/postgres/index.ts";

const reservation = { idempotencyKey: "trigger.dedup.v1:abc", fence: 7 } as const;

/** A transaction whose statements return these rows, in the order of the statements. The last rows are repeated. */
function transaction(...answers: readonly (readonly object[])[]) {
  let statements = 0;
  return {
    async query() {
      const rows = answers[Math.min(statements, answers.length - 1)] ?? [];
      statements += 1;
      return { rows };
    },
  };
}

describe("effectOnce", () => {
  it.each<[string, readonly unknown[]]>([
    ["tx", [{}, reservation, () => {}]],
    ["tx", [undefined, reservation, () => {}]],
    ["reservation", [transaction([]), undefined, () => {}]],
    ["effect", [transaction([]), reservation, "update accounts"]],
  ])("names the wrong argument: %s", async (field, args) => {
    const call = async (): Promise<unknown> => Reflect.apply(effectOnce, undefined, args);
    await expect(call()).rejects.toThrow(`Expected \`${field}\` to be`);
  });

  it("runs no effect if its marker is removed again and again while it is read", async () => {
    let runs = 0;
    await expect(effectOnce(transaction([]), reservation, () => (runs += 1))).rejects.toThrow("again and again");
    expect(runs).toBe(0);
  });

  it("fails if its marker disappeared while the effect ran, so that the caller rolls back", async () => {
    await expect(effectOnce(transaction([{}], []), reservation, () => "paid")).rejects.toThrow(
      "disappeared while its effect ran",
    );
  });
});
