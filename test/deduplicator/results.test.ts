import { describe, expect, it } from "vitest";
import { ResultNotKeptError } from "../../src/errors.ts";
import { duplicate, event, resolved, unseen, world } from "../support/replicas.ts";

const cycle: Record<string, unknown> = {};
cycle["itself"] = cycle;

describe("a result", () => {
  it.each([
    ["an object", { id: 7, tags: ["a", "ü🦊"], nested: { none: null } }],
    ["a string", "done"],
    ["nothing but zero", 0],
    ["false", false],
    ["null", null],
    ["an empty text", ""],
    ["a list", [1, [2]]],
  ])("is kept, and returned to duplicates on every replica, when it is %s", async (_, value) => {
    const { replica } = world();
    const [a, b] = [replica("a", { keepResults: true }), replica("b")];
    const outcome = await a.dedup.guard(event, () => value);
    expect(outcome).toEqual({ outcome: "dispatched", key: resolved.key, value, commit: "confirmed" });
    for (const { dedup } of [a, b]) {
      expect(await dedup.guard(event, () => "again")).toMatchObject({ outcome: "duplicate", value });
      expect(await dedup.reserve(event)).toMatchObject({ decision: "duplicate", result: value });
    }
  });

  it("is kept as its JSON form", async () => {
    const { replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    const at = new Date(0);
    await dedup.guard(event, () => ({ at, none: undefined, not: Number.NaN }));
    expect((await duplicate(dedup.reserve(event))).result).toEqual({ at: "1970-01-01T00:00:00.000Z", not: null });
  });

  it("is not kept by default", async () => {
    const { memory, replica } = world();
    const { dedup } = replica("a");
    await dedup.guard(event, () => "done");
    expect((await memory.get(resolved.storeKey))?.record).not.toHaveProperty("result");
    expect(await dedup.guard(event, () => "again")).not.toHaveProperty("value");
    expect(await dedup.reserve(event)).not.toHaveProperty("result");
  });

  it("is kept if the call's option says so, whatever the deduplicator's option is", async () => {
    const { replica } = world();
    const [keeps, forgets] = [replica("a", { keepResults: true }), replica("b")];
    const other = { ...event, eventId: "evt-2" };
    await keeps.dedup.guard(event, () => "done", { keepResult: false });
    await forgets.dedup.guard(other, () => "done", { keepResult: true });
    expect(await duplicate(keeps.dedup.reserve(event))).not.toHaveProperty("result");
    expect(await duplicate(keeps.dedup.reserve(other))).toHaveProperty("result", "done");
  });

  it("is absent when it is undefined", async () => {
    const { replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    expect(await dedup.guard(event, () => {})).not.toHaveProperty("resultError");
    expect(await dedup.guard(event, () => "again")).not.toHaveProperty("value");
  });

  it("is copied, so that later changes to the original have no effect", async () => {
    const { replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    const value = { list: [1] };
    const reservation = await unseen(dedup.reserve(event));
    const commit = reservation.commit(value);
    value.list.push(2);
    await commit;
    value.list.push(3);
    const first = await duplicate(dedup.reserve(event));
    expect(first.result).toEqual({ list: [1] });
    value.list.push(4);
    Reflect.set(Object(first.result), "list", "changed");
    expect((await duplicate(dedup.reserve(event))).result).toEqual({ list: [1] });
  });

  it("is copied for each concurrent caller", async () => {
    const { replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    await dedup.guard(event, () => ({ list: [1] }));
    const [one, two] = await Promise.all([duplicate(dedup.reserve(event)), duplicate(dedup.reserve(event))]);
    expect(one.result).toEqual({ list: [1] });
    expect(two.result).toEqual({ list: [1] });
    expect(one.result).not.toBe(two.result);
  });
});

describe("F10 a result that cannot be kept", () => {
  const results: ReadonlyArray<readonly [string, unknown]> = [
    ["a big integer", 1n],
    ["a cycle", cycle],
    ["a function", () => {}],
    ["a symbol", Symbol("x")],
    ["a string that is too long", "x".repeat(65_536)],
    ["a string with too many bytes", "ü".repeat(40_000)],
    ["an object whose `toJSON` returns undefined", { toJSON: () => undefined }],
    [
      "an object whose `toJSON` throws",
      {
        toJSON: () => {
          throw new Error("no");
        },
      },
    ],
  ];

  it.each(results)("is dropped, and the commit succeeds and reports it: %s", async (_, value) => {
    const { memory, replica } = world();
    const { dedup, steps, trail } = replica("a", { keepResults: true });
    const outcome = await dedup.guard(event, () => value);
    expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    if (outcome.outcome !== "dispatched") throw new Error("unreachable");
    expect(Object.is(outcome.value, value)).toBe(true);
    expect(outcome.resultError).toBeInstanceOf(ResultNotKeptError);
    expect(outcome.resultError).toMatchObject({ code: "result-not-kept" });
    expect(trail()).toEqual(["reserved", "dispatched", "result-not-kept", "committed"]);
    expect(steps[2]).toMatchObject({ error: outcome.resultError });
    expect((await memory.get(resolved.storeKey))?.record).toMatchObject({ state: "committed" });
    expect(await duplicate(dedup.reserve(event))).not.toHaveProperty("result");
  });

  it("is reported by every commit of the reservation", async () => {
    const { replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    const reservation = await unseen(dedup.reserve(event));
    const [one, two] = await Promise.all([reservation.commit(1n), reservation.commit("fine")]);
    expect(one.resultError).toBeInstanceOf(ResultNotKeptError);
    expect(two).toEqual(one);
  });

  it("is ignored where results are not kept", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a");
    expect(await dedup.guard(event, () => cycle)).not.toHaveProperty("resultError");
    expect(trail()).toEqual(["reserved", "dispatched", "committed"]);
  });
});
