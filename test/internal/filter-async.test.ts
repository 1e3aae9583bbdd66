import { expect, it } from "vitest";
import { filterAsync } from "../../src/internal/filter-async.ts";

it("keeps the items that pass, in their order, and limits the tests that run at a time", async () => {
  let running = 0;
  let most = 0;
  const isEven = async (item: number): Promise<boolean> => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < 5 - item; turn += 1) await Promise.resolve();
    running -= 1;
    return item % 2 === 0;
  };
  expect(await filterAsync([0, 1, 2, 3, 4], isEven, 2)).toEqual([0, 2, 4]);
  expect(most).toBe(2);
});

it("throws the error of a test after the tests beside it have ended, and starts no more", async () => {
  const ended: number[] = [];
  const test = async (item: number): Promise<boolean> => {
    if (item === 0) throw new Error("gone");
    await Promise.resolve();
    ended.push(item);
    return true;
  };
  await expect(filterAsync([0, 1, 2], test, 2)).rejects.toThrow("gone");
  expect(ended).toEqual([1]);
});
