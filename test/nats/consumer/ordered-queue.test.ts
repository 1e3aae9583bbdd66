import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import * as current from "../../../src/nats/consumer/ordered-queue.ts";
import { copyWithBug, type PlantedBug, removePlantedCopies } from "../../support/planted-bugs.ts";

type Module = Pick<typeof current, "OrderedQueue">;

interface Item {
  readonly key: string | undefined;
  readonly sequence: number;
}

/** A message arrives; the next one begins; the n-th that runs ends; or the n-th that waits is given up. */
type Step =
  | { readonly type: "arrives"; readonly item: Item }
  | { readonly type: "begins" }
  | { readonly type: "ends" | "leaves"; readonly index: number };

const key = fc.constantFrom("a", "b", "c", undefined);
const anySchedule: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      arbitrary: fc.record({ type: fc.constant("arrives"), item: fc.record({ key, sequence: fc.nat(20) }) }),
      weight: 4,
    },
    { arbitrary: fc.constant<Step>({ type: "begins" }), weight: 4 },
    { arbitrary: fc.record({ type: fc.constantFrom("ends", "leaves"), index: fc.nat(5) }), weight: 3 },
  ),
  { maxLength: 60 },
);

/** Returns how a queue differs from its promises under a schedule. */
function deviations({ OrderedQueue }: Module, schedule: readonly Step[]): readonly string[] {
  const queue = new OrderedQueue<Item>();
  const waiting = new Set<Item>();
  const running = new Set<Item>();
  const found: string[] = [];
  const isReady = (item: Item): boolean =>
    item.key === undefined ||
    (![...running].some((other) => other.key === item.key) &&
      ![...waiting].some((other) => other.key === item.key && other.sequence < item.sequence));
  const begin = (): Item | undefined => {
    const canBegin = [...waiting].filter(isReady);
    const item = queue.take();
    if (item === undefined) {
      if (canBegin.length > 0) found.push(`${canBegin.length} could begin, and none did`);
      return undefined;
    }
    if (!waiting.delete(item)) found.push("one began that did not wait");
    if ([...running].some((other) => item.key !== undefined && other.key === item.key)) {
      found.push(`two of ${item.key} ran at once`);
    } else if (!canBegin.includes(item)) found.push(`${item.sequence} of ${item.key} overtook an earlier one`);
    running.add(item);
    return item;
  };
  const end = (items: Set<Item>, index: number): void => {
    const item = [...items][index];
    if (item === undefined) return;
    items.delete(item);
    queue.remove(item);
  };
  for (const step of schedule) {
    if (step.type === "arrives") {
      const item = { ...step.item };
      waiting.add(item);
      queue.add(item, item);
    } else if (step.type === "begins") begin();
    else end(step.type === "ends" ? running : waiting, step.index);
    const keysReady = new Set([...waiting].filter(isReady).map((item) => item.key ?? item));
    if (queue.ready !== keysReady.size) found.push(`${queue.ready} count as ready, not ${keysReady.size}`);
  }
  // Every message begins in the end: nothing waits for a message that is gone.
  for (let left = waiting.size + running.size; left > 0; left -= 1) {
    begin();
    end(running, 0);
  }
  if (waiting.size > 0) found.push(`${waiting.size} never began`);
  return found;
}

const file = "src/nats/consumer/ordered-queue.ts";
const bugs: ReadonlyArray<PlantedBug & { readonly foundBy: RegExp }> = [
  {
    name: "two messages of a key begin at once",
    foundBy: /ran at once/,
    patches: [{ file, find: "if (current === undefined && first", replace: "if (first" }],
  },
  {
    name: "the messages of a key begin in the order of their arrival",
    foundBy: /overtook/,
    patches: [
      {
        file,
        find: "line.waiting.splice(after + 1, 0,",
        replace: "line.waiting.splice(line.waiting.length, after * 0,",
      },
    ],
  },
  {
    name: "a message that ended blocks its key",
    foundBy: /never began/,
    patches: [
      {
        file,
        find: "if (line.current === item) line.current = undefined;",
        replace: "if (line.current === item) return;",
      },
    ],
  },
  {
    name: "an earlier message that arrives later leaves the later one ready",
    foundBy: /overtook|ran at once/,
    patches: [{ file, find: "if (first !== undefined) this.#ready.delete(first.item);", replace: "void first;" }],
  },
];

afterAll(removePlantedCopies);

describe("the order by key", () => {
  it("runs one message of a key at a time, in the order of sequences, and holds up no other key", () => {
    fc.assert(
      fc.property(anySchedule, (schedule) => {
        expect(deviations(current, schedule)).toEqual([]);
      }),
    );
  });

  it.each(bugs)("is found broken when $name", async (bug) => {
    const copy = copyWithBug(bug, ["src/nats/consumer"]);
    const planted: Module = await import(/* @vite-ignore */ join(copy, file));
    const found = fc
      .sample(anySchedule, { numRuns: 300, seed: 7 })
      .flatMap((schedule) => deviations(planted, schedule));
    expect(found).toContainEqual(expect.stringMatching(bug.foundBy));
  });
});
