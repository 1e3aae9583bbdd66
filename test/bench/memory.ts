import { Deduplicator, memoryStore } from "latchkey";
import { latencies, perSecond, quantile, type Row, rowOf, takeTurns } from "./measure.ts";

const ROUNDS = 5;
const GUARDS = 20_000;
const SCALE = 1_000_000;
const IN_FLIGHT = 20_000;

const identity = (round: string, index: number) => ({ subscriptionId: "bench", eventId: `${round}-${index}` });

/** Guards on the memory store: how many in a second, and what a key costs while it is in flight and when it is committed. */
export async function benchMemory(): Promise<readonly Row[]> {
  const speed = await takeTurns(
    {
      guards: async (round) => {
        const dedup = new Deduplicator({ store: memoryStore() });
        return perSecond(GUARDS, 64, (index) => dedup.guard(identity(`g${round}`, index), () => undefined));
      },
      duplicates: async (round) => {
        const dedup = new Deduplicator({ store: memoryStore() });
        await dedup.guard(identity(`d${round}`, 0), () => undefined);
        return perSecond(GUARDS, 64, () => dedup.guard(identity(`d${round}`, 0), () => undefined));
      },
    },
    ROUNDS,
  );
  const guards = speed.get("guards") ?? [];
  const alone = new Deduplicator({ store: memoryStore() });
  const single = await latencies(GUARDS, (index) => alone.guard(identity("one", index), () => undefined));
  return [
    rowOf("memory store: guards, one core", "1/s", guards, {
      of: "10,000 guards/s",
      is: quantile(guards, 0.5) / 10_000,
      goal: "at least 1",
    }),
    rowOf("memory store: duplicates answered by the store", "1/s", speed.get("duplicates") ?? []),
    rowOf("memory store: a guard alone, p50", "µs", [quantile(single, 0.5)]),
    rowOf("memory store: a guard alone, p99", "µs", [quantile(single, 0.99)]),
    ...(await memoryOfKeys()),
  ];
}

async function memoryOfKeys(): Promise<readonly Row[]> {
  const store = memoryStore({ maxKeys: 2 * SCALE });
  const dedup = new Deduplicator({ store });
  await perSecond(1_000, 64, (index) => dedup.guard(identity("warm", index), () => undefined));

  const before = heapUsed();
  await perSecond(SCALE / 2, 64, (index) => dedup.guard(identity("kept", index), () => undefined));
  const half = heapUsed();
  await perSecond(SCALE / 2, 64, (index) => dedup.guard(identity("kept", SCALE / 2 + index), () => undefined));
  const full = heapUsed();

  let end: () => void = () => {};
  const running = new Promise<void>((resolve) => {
    end = resolve;
  });
  const flights = Array.from({ length: IN_FLIGHT }, (_, index) =>
    dedup.guard(identity("flight", index), () => running),
  );
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  const flying = heapUsed();
  end();
  await Promise.all(flights);
  await dedup.close();
  await store.close();
  const after = heapUsed();
  return [
    rowOf("memory store: heap a committed key, first half million", "B", [(half - before) / (SCALE / 2)]),
    rowOf("memory store: heap a committed key, second half million", "B", [(full - half) / (SCALE / 2)]),
    rowOf("memory store: heap a key in flight", "B", [(flying - full) / IN_FLIGHT]),
    rowOf("memory store: heap left when all is closed, a key", "B", [(after - before) / SCALE]),
  ];
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
