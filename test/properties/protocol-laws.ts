import { join } from "node:path";
import fc from "fast-check";
import type * as Latchkey from "../../src/index.ts";
import type * as IdMaker from "../../src/internal/id-maker.ts";
import type { PlantedBug } from "../support/planted-bugs.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

/** The modules that the laws use, of the package or of a copy with a planted bug. */
export interface Modules {
  readonly latchkey: typeof Latchkey;
  readonly ids: typeof IdMaker;
}

export async function loadModules(root: string): Promise<Modules> {
  const load = <Module>(file: string): Promise<Module> => import(/* @vite-ignore */ join(root, "src", file));
  return {
    latchkey: await load<typeof Latchkey>("index.ts"),
    ids: await load<typeof IdMaker>("internal/id-maker.ts"),
  };
}

/** Inputs of one run. Each law uses some. */
export interface Conditions {
  readonly leaseMs: number;
  /** Delay of the holder's timers, in milliseconds. */
  readonly lateMs: number;
  /** Number of ids that a process had made when it was copied. */
  readonly idsMade: number;
  /** Time for which a copy has run, in milliseconds. */
  readonly runMs: number;
}

/** A law of the protocol, and bugs that break it. */
export interface ProtocolLaw {
  readonly name: string;
  holds(of: Modules, conditions: Conditions): Promise<boolean>;
  readonly bugs: readonly PlantedBug[];
}

const event = { subscriptionId: "s", eventId: "e" };
const lease = "src/engine/lease.ts";
const ids = "src/internal/id-maker.ts";

const never = (): Promise<never> => new Promise(() => {});

type StorePut = Latchkey.Store["put"];

/** A store whose writes `put` decides about. */
function storeWith({ latchkey }: Modules, clock: SimulatedClock, put: (inner: StorePut) => StorePut): Latchkey.Store {
  const memory = latchkey.memoryStore({ clock });
  return {
    put: put((key, record, how) => memory.put(key, record, how)),
    get: (key) => memory.get(key),
    remove: (key, how) => memory.remove(key, how),
  };
}

/** Returns true if another replica gets the key of a holder only after the holder's signal fired. */
async function isAbortedInTime(
  { latchkey }: Modules,
  how: { clock: SimulatedClock; holderClock: Latchkey.Clock; store: Latchkey.Store } & Conditions & {
      skewMs: number;
      stepMs: number;
    },
): Promise<boolean> {
  const { clock, holderClock, store, leaseMs, skewMs } = how;
  const options = { store, leaseMs, skewMs, cacheSize: 0 };
  const holder = new latchkey.Deduplicator({ ...options, clock: holderClock, owner: "holder" });
  const other = new latchkey.Deduplicator({ ...options, clock, owner: "other" });
  const reservation = await holder.reserve(event);
  if (reservation.decision !== "unseen") return false;
  // No other replica can get the key during the first lease.
  await clock.advanceAsync(leaseMs - 100);
  for (let passedMs = 0; passedMs < 2 * leaseMs; passedMs += how.stepMs) {
    await clock.advanceAsync(how.stepMs);
    const decision = await other.reserve(event);
    if (decision.decision === "unseen") return reservation.signal.aborted;
  }
  return true;
}

export const protocolLaws: readonly ProtocolLaw[] = [
  {
    name: "copies of a process image make different tokens a second later",
    async holds({ ids }, { idsMade, runMs }) {
      const copy = (offsetMs: number): string => {
        const clock = new SimulatedClock();
        let drawn = 0;
        const make = ids.idMaker(clock, () => `r${++drawn}`);
        for (let id = 0; id < idsMade; id += 1) make();
        clock.advance(1_000 + runMs + offsetMs);
        return make();
      };
      return copy(1) !== copy(2);
    },
    bugs: [
      {
        name: "the random part of tokens is drawn once",
        patches: [{ file: ids, find: `if (made >= IDS_PER_DRAW || `, replace: `if (random === "" && ` }],
      },
      {
        name: "the random part of tokens lacks the time",
        patches: [{ file: ids, find: `\${Math.round(nowMs).toString(36)}`, replace: `` }],
      },
    ],
  },
  {
    name: "a lease that was renewed by a repeated write ends before the store's",
    async holds(of, conditions) {
      const clock = new SimulatedClock();
      let renewals = 0;
      let renewed: Latchkey.Revision | undefined;
      const store = storeWith(of, clock, (put) => (key, record, how) => {
        if (record.owner !== "holder" || record.fence === 0) return put(key, record, how);
        renewed ??= how.expected;
        renewals += 1;
        // The first renewal is stored, and only its repeats are answered. No other renewal arrives.
        if (renewals === 1) return put(key, record, how).then(never);
        return how.expected === renewed ? put(key, record, how) : never();
      });
      return isAbortedInTime(of, { ...conditions, clock, holderClock: clock, store, skewMs: 100, stepMs: 20 });
    },
    bugs: [
      {
        name: "a repeated renewal is dated anew",
        patches: [
          { file: lease, find: `if (write === "repeated" && this.#sentAtMs !== undefined) return;`, replace: `` },
        ],
      },
    ],
  },
  {
    name: "one lost renewal does not cost a lease",
    async holds(of, { leaseMs }) {
      const clock = new SimulatedClock();
      let renewals = 0;
      const store = storeWith(of, clock, (put) => (key, record, how) => {
        if (record.fence === 0 || record.state === "committed") return put(key, record, how);
        renewals += 1;
        return renewals === 1 ? never() : put(key, record, how);
      });
      const dedup = new of.latchkey.Deduplicator({ store, clock, leaseMs, cacheSize: 0 });
      const outcome = dedup.guard(event, async ({ signal }) => {
        await new Promise<void>((resolve) => clock.schedule(2 * leaseMs, resolve));
        return signal.aborted;
      });
      await clock.advanceAsync(3 * leaseMs);
      const ended = await outcome;
      return ended.outcome === "dispatched" && !ended.value;
    },
    bugs: [
      {
        name: "a lost renewal is repeated after a whole lease",
        patches: [
          {
            file: lease,
            find: `return isRunning ? this.leftMs / 2 : this.#context.how.leaseMs;`,
            replace: `return isRunning ? this.#context.how.leaseMs : this.#context.how.leaseMs;`,
          },
        ],
      },
    ],
  },
  {
    name: "a holder whose timers are late is aborted in time, even without an allowance for clock differences",
    async holds(of, conditions) {
      const clock = new SimulatedClock();
      const store = of.latchkey.memoryStore({ clock });
      const holderClock: Latchkey.Clock = {
        monotonicMs: () => clock.monotonicMs(),
        wallMs: () => clock.wallMs(),
        schedule: (delayMs, run) => clock.schedule(delayMs + conditions.lateMs, run),
      };
      // A renewal would move the end of the lease.
      const silent: Latchkey.Store = {
        put: (key, record, how) => (record.fence === 0 ? store.put(key, record, how) : never()),
        get: (key) => store.get(key),
      };
      return isAbortedInTime(of, { ...conditions, clock, holderClock, store: silent, skewMs: 0, stepMs: 1 });
    },
    bugs: [
      {
        name: "the allowance for clock differences may be 0",
        patches: [
          { file: "src/options.ts", find: `export const MIN_SKEW_MS = 50;`, replace: `export const MIN_SKEW_MS = 0;` },
        ],
      },
      {
        name: "the store ends a reservation with its lease",
        patches: [
          { file: "src/engine/key-client.ts", find: `how.leaseMs + engine.options.skewMs`, replace: `how.leaseMs` },
        ],
      },
    ],
  },
  {
    name: "the fingerprint of an attempt that was not committed refuses no delivery",
    async holds({ latchkey }, { leaseMs }) {
      const clock = new SimulatedClock();
      const store = latchkey.memoryStore({ clock });
      const options = { store, clock, leaseMs, renew: false, cacheSize: 0 };
      const crashed = new latchkey.Deduplicator({ ...options, owner: "crashed" });
      const other = new latchkey.Deduplicator({ ...options, owner: "other" });
      await crashed.reserve(event, { fingerprint: "a" });
      const during = await other.reserve(event, { fingerprint: "b" });
      await clock.advanceAsync(2 * leaseMs + 5_000);
      const after = await other.reserve(event, { fingerprint: "b" });
      if (during.decision !== "pending" || after.decision !== "unseen") return false;
      await after.commit();
      const mismatch = await crashed.reserve(event, { fingerprint: "a" }).catch((error: unknown) => error);
      return mismatch instanceof latchkey.FingerprintMismatchError;
    },
    bugs: [
      {
        name: "fingerprints are compared with reservations",
        patches: [
          {
            file: "src/engine/rejections.ts",
            find: `    const retryAfterMs = leases.retryAfterMs(entry, nowMs, options.clock.wallMs());`,
            replace: `    const retryAfterMs = leases.retryAfterMs(entry, nowMs, options.clock.wallMs());
    const { fingerprint } = call.how;
    if (fingerprint !== undefined && fingerprint !== record.fingerprint)
      throw new FingerprintMismatchError(call.identity.key, revision);`,
          },
        ],
      },
      {
        name: "fingerprints are not compared with commits",
        patches: [
          {
            file: "src/engine/rejections.ts",
            find: `if (isMismatch(call, commit)) {`,
            replace: `if (false) {`,
          },
        ],
      },
    ],
  },
  {
    name: "`close` ends although a claim hangs",
    async holds(of, { leaseMs }) {
      const clock = new SimulatedClock();
      const store = storeWith(of, clock, () => never);
      const dedup = new of.latchkey.Deduplicator({ store, clock, leaseMs: Math.max(leaseMs, 60_000), cacheSize: 0 });
      const claim = dedup.reserve(event).catch(() => undefined);
      let isClosed = false;
      const closing = dedup.close({ drainMs: 0 }).then(() => {
        isClosed = true;
      });
      await clock.advanceAsync(10_000);
      const wasClosed = isClosed;
      await clock.advanceAsync(200_000);
      await Promise.all([claim, closing]);
      return wasClosed;
    },
    bugs: [
      {
        name: "`close` waits for every claim",
        patches: [
          {
            file: "src/engine/engine.ts",
            find: `await this.#within(CLOSE_GRACE_MS, Promise.all(released));`,
            replace: `await Promise.all(released);`,
          },
        ],
      },
    ],
  },
];

const anyConditions: fc.Arbitrary<Conditions> = fc.record({
  leaseMs: fc.integer({ min: 1_000, max: 7_500 }),
  lateMs: fc.integer({ min: 0, max: 20 }),
  idsMade: fc.nat({ max: 1_500 }),
  runMs: fc.nat({ max: 5_000 }),
});

/** Holds if the law does, under any conditions. */
export const always = (law: ProtocolLaw, of: Modules) =>
  fc.asyncProperty(anyConditions, (conditions) => law.holds(of, conditions));
