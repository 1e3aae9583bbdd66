import assert from "node:assert/strict";
import { pseudoRandom } from "../../internal/pseudo-random.ts";
import { parseStoreKey } from "../../model/identity.ts";
import type { DedupRecord } from "../../model/record.ts";
import type { Entry, Revision } from "../../model/store.ts";
import {
  type Aspect,
  assertConflict,
  assertHolds,
  commit,
  identity,
  LONG_MS,
  removal,
  remove,
  reservation,
  type StoreUnderTest,
  write,
} from "./fixture.ts";

/** The compare-and-set register. */
export const writes: Aspect = (test) => {
  const of = identity("evt-1");
  const { storeKey: key } = of;

  test("a key that was never written is empty", async (made) => {
    await assertHolds(made, key, undefined);
  });

  test("a write to an empty key is applied and can be read", async (made) => {
    const { store } = made;
    const record = reservation(of);
    const revision = await write(store, key, record);
    await assertHolds(made, key, { record, revision });
  });

  test("a write that expects an empty key conflicts with an entry", async (made) => {
    const { store } = made;
    const record = reservation(of);
    const revision = await write(store, key, record);
    const answer = await store.put(key, reservation(of, { token: "token-2" }), { expected: 0, ttlMs: LONG_MS });
    await assertConflict(made, answer, key, { record, revision });
  });

  test("a write that expects the current revision is applied", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of));
    const record = commit(of, { fence: first });
    const second = await write(store, key, record, { expected: first });
    assert.ok(second > first, "a later write has a larger revision");
    await assertHolds(made, key, { record, revision: second });
  });

  test("a write that expects any other revision conflicts", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of));
    const record = reservation(of, { attempt: 2 });
    const revision = await write(store, key, record, { expected: first });
    for (const expected of [first, revision + 1, revision + 1_000]) {
      const answer = await store.put(key, reservation(of, { token: "late" }), { expected, ttlMs: LONG_MS });
      await assertConflict(made, answer, key, { record, revision });
    }
  });

  test("a write that expects a revision conflicts with an empty key", async (made) => {
    const { store } = made;
    const other = identity("evt-2");
    const elsewhere = await write(store, other.storeKey, reservation(other));
    for (const expected of [elsewhere, elsewhere + 1]) {
      const answer = await store.put(key, reservation(of), { expected, ttlMs: LONG_MS });
      await assertConflict(made, answer, key, undefined);
    }
  });

  test("keys are independent, even if they differ only in case", async (made) => {
    const { store } = made;
    const flipped = parseStoreKey(
      key.replace(/[a-z]/gi, (letter) =>
        letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
      ),
    );
    assert.notEqual(flipped, key);
    const [one, two] = [reservation(of, { token: "one" }), reservation(of, { token: "two" })];
    const first = await write(store, key, one);
    const second = await write(store, flipped, two);
    await assertHolds(made, key, { record: one, revision: first });
    await assertHolds(made, flipped, { record: two, revision: second });
  });

  test("G1 one of many concurrent writes to an empty key wins", async (made) => {
    await oneWins(made, 0);
  });

  test("G1 one of many concurrent writes over one revision wins", async (made) => {
    await oneWins(made, await write(made.store, key, reservation(of)));
  });

  test("no update is lost when writers race", async (made) => {
    const { store } = made;
    await write(store, key, reservation(of, { attempt: 1 }));
    const [workers, rounds] = [5, 8];
    let last: Omit<Entry, "key"> | undefined;
    const work = async (): Promise<void> => {
      for (let done = 0; done < rounds; ) {
        const entry = await store.get(key);
        if (entry === undefined) continue;
        const record = reservation(of, { attempt: entry.record.attempt + 1 });
        const put = await store.put(key, record, { expected: entry.revision, ttlMs: LONG_MS });
        if (!put.ok) continue;
        done += 1;
        if (put.revision > (last?.revision ?? 0)) last = { record, revision: put.revision };
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    assert.equal(last?.record.attempt, 1 + workers * rounds);
    await assertHolds(made, key, last);
  });

  test("a record is read as it was written", async (made) => {
    const { store } = made;
    const records: readonly DedupRecord[] = [
      reservation(of, { fingerprint: "sha256:2c26b46b" }),
      reservation(of, {
        owner: "Zürich/Ω/🦊\u0000\n",
        token: '"quoted\\"',
        attempt: 1_000,
        fence: Number.MAX_SAFE_INTEGER,
      }),
      commit(of),
      commit(of, { result: null }),
      commit(of, { result: { "": [], nested: [{ "a.b": 1.5e-7 }, "ÿ🦊", false, null] } }),
      commit(of, { result: "x".repeat(65_536) }),
    ];
    let expected: Revision = 0;
    for (const record of records) {
      expected = await write(store, key, record, { expected });
      await assertHolds(made, key, { record, revision: expected });
    }
  });

  test("any id can be stored", async (made) => {
    const { store } = made;
    const ids = [
      "a.b",
      "*",
      ">",
      "a b",
      "$KV",
      "../..",
      "%00",
      "\u0000",
      "\n",
      "é",
      "🦊",
      "__proto__",
      "x".repeat(10_000),
    ];
    for (const id of ids) {
      const any = identity(id, { workspaceId: id, subscriptionId: id });
      const record = reservation(any);
      const revision = await write(store, any.storeKey, record);
      await assertHolds(made, any.storeKey, { record, revision });
    }
  });

  test("changes to a written or read record do not change the stored record", async (made) => {
    const { store } = made;
    const result = { value: 1 };
    const record = commit(of, { result });
    const pristine = structuredClone(record);
    const revision = await write(store, key, record);
    result.value = 2;
    Reflect.set(record, "owner", "changed");
    await assertHolds(made, key, { record: pristine, revision });
    const read = await store.get(key);
    if (read !== undefined) Reflect.set(read.record, "owner", "changed");
    await assertHolds(made, key, { record: pristine, revision });
  });

  async function oneWins(made: StoreUnderTest, expected: Revision): Promise<void> {
    const records = Array.from({ length: 25 }, (_, index) => reservation(of, { token: `token-${index}` }));
    const puts = await Promise.all(records.map((record) => made.store.put(key, record, { expected, ttlMs: LONG_MS })));
    const winners = records.flatMap((record, index) => {
      const put = puts[index];
      return put?.ok ? [{ record, revision: put.revision }] : [];
    });
    assert.equal(winners.length, 1, `${winners.length} writes over one revision were acknowledged`);
    await assertHolds(made, key, winners[0]);
  }
};

/** Removals. */
export const removals: Aspect = (test) => {
  const of = identity("evt-1");
  const { storeKey: key } = of;

  test("a removed key is empty and can be written again", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of));
    await remove(store, key, first);
    await assertHolds(made, key, undefined);
    const record = reservation(of, { attempt: 2 });
    const revision = await write(store, key, record);
    await assertHolds(made, key, { record, revision });
  });

  test("G5 a removal that expects another revision conflicts", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of));
    const record = reservation(of, { token: "token-2" });
    const revision = await write(store, key, record, { expected: first });
    for (const expected of [0, first, revision + 1]) {
      await assertConflict(made, await removal(store, key, expected), key, { record, revision });
    }
  });

  test("a removal of an empty key conflicts", async (made) => {
    const { store } = made;
    await assertConflict(made, await removal(store, key, 0), key, undefined);
    await assertConflict(made, await removal(store, key, 1), key, undefined);
    const first = await write(store, key, reservation(of));
    await remove(store, key, first);
    await assertConflict(made, await removal(store, key, first), key, undefined);
    await assertConflict(made, await removal(store, key, 0), key, undefined);
  });

  test("F1 a write over a removed revision conflicts", async (made) => {
    const { store } = made;
    const first = await write(store, key, reservation(of));
    await remove(store, key, first);
    const answer = await store.put(key, commit(of), { expected: first, ttlMs: LONG_MS });
    await assertConflict(made, answer, key, undefined);
  });

  test("G1 one of several concurrent removals and writes over one revision wins", async (made) => {
    const { store } = made;
    for (let round = 0; round < 5; round += 1) {
      const at = identity(`evt-${round}`);
      const expected = await write(store, at.storeKey, reservation(at));
      const records = [commit(at), reservation(at, { token: "token-2" })] as const;
      const answers = await Promise.all([
        store.put(at.storeKey, records[0], { expected, ttlMs: LONG_MS }),
        removal(store, at.storeKey, expected),
        store.put(at.storeKey, records[1], { expected, ttlMs: LONG_MS }),
        removal(store, at.storeKey, expected),
      ]);
      assert.equal(
        answers.filter(({ ok }) => ok).length,
        1,
        "exactly one of four concurrent operations must be acknowledged",
      );
      const [first, , second] = answers;
      if (first.ok) await assertHolds(made, at.storeKey, { record: records[0], revision: first.revision });
      else if (second.ok) await assertHolds(made, at.storeKey, { record: records[1], revision: second.revision });
      else await assertHolds(made, at.storeKey, undefined);
    }
  });

  test("a long sequence of operations behaves like a register", async (made) => {
    const { store } = made;
    const keys = ["a", "b", "c"].map((name) => identity(name));
    const held = new Map<string, { revision: Revision; record: DedupRecord }>();
    /** Last revisions of the removed keys, which a late write would expect. */
    const former = new Map<string, Revision>();
    const next = pseudoRandom(20_260_101);
    let highest: Revision = 0;
    for (let step = 0; step < 150; step += 1) {
      const at = keys[next() % keys.length] ?? of;
      const current = held.get(at.storeKey);
      // A removed key gets its own last revision: another key's revision may equal that of this key's tombstone.
      const wrong = current === undefined ? (former.get(at.storeKey) ?? highest) : highest;
      const expected = [0, current?.revision ?? 0, current?.revision ?? 0, wrong][next() % 4] ?? 0;
      const isRight = expected === (current?.revision ?? 0);
      if (next() % 3 === 0) {
        const answer = await removal(store, at.storeKey, expected);
        if (isRight && current !== undefined) {
          assert.deepEqual(answer, { ok: true });
          held.delete(at.storeKey);
          former.set(at.storeKey, current.revision);
        } else await assertConflict(made, answer, at.storeKey, current);
      } else {
        const record = reservation(at, { token: `token-${step}` });
        const answer = await store.put(at.storeKey, record, { expected, ttlMs: LONG_MS });
        if (isRight) {
          assert.ok(answer.ok, `step ${step}: a write over the current revision was refused`);
          assert.ok(answer.revision > (current?.revision ?? 0));
          highest = Math.max(highest, answer.revision);
          held.set(at.storeKey, { revision: answer.revision, record });
        } else await assertConflict(made, answer, at.storeKey, current);
      }
    }
    for (const at of keys) await assertHolds(made, at.storeKey, held.get(at.storeKey));
  });
};
