import { ReservationLostError } from "../../src/errors.ts";
import type { Decision, Reservation } from "../../src/model/decision.ts";
import type { ResolvedIdentity } from "../../src/model/identity.ts";
import {
  type Check,
  decided,
  Findings,
  LEASE_MS,
  LONG_LEASE_MS,
  type NatsReplica,
  slowClock,
} from "./nats-guarantees.ts";

/** Tolerated clock error between the test and the server, in milliseconds. */
const CLOCK_ERROR_MS = 50;

/** G1: many replicas reserve many events concurrently: during renewals, after a release and after the commit. */
export const oneHolder: Check = async (scene) => {
  const found = new Findings();
  const replicas = await Promise.all(
    ["a", "b", "c", "d"].map((owner) => scene.replica(owner, { leaseMs: 2 * LEASE_MS })),
  );
  const events = Array.from({ length: 30 }, () => scene.newEvent());
  const crowd = Array.from({ length: 5 }, () => replicas).flat();
  const holders = new Map<ResolvedIdentity, Reservation[]>(events.map((of) => [of, []]));
  const rush = async (callers: readonly NatsReplica[]): Promise<Decision[]> =>
    Promise.all(
      [...holders].flatMap(([of, others]) =>
        callers.map(async (replica) => {
          const decision = await decided(replica, of);
          if (decision.decision !== "unseen") return decision;
          const stillHolds = others.filter(({ signal }) => !signal.aborted);
          found.unless(
            stillHolds.length === 0,
            `G1 ${replica.dedup.owner} got ${of.eventId}, which another replica still holds`,
          );
          others.push(decision);
          return decision;
        }),
      ),
    );
  const unseenIn = async (answers: Promise<Decision[]>): Promise<number> =>
    (await answers).filter(({ decision }) => decision === "unseen").length;

  found.unless((await unseenIn(rush(crowd))) === events.length, "G1 not every event had one holder at first");
  if (found.all.length > 0) return found.all;
  await scene.soon("all holders to have renewed until long after their first lease", async () => {
    await rush(replicas);
    const renewals = replicas.flatMap(({ steps }) => steps.filter(({ type }) => type === "renewed"));
    const counts = events.map((of) => renewals.filter(({ identity }) => identity.storeKey === of.storeKey).length);
    return counts.every((count) => count >= 4);
  });

  const all = [...holders.values()].flat();
  for (const others of holders.values()) others.length = 0;
  await Promise.all(all.map((reservation) => reservation.release()));
  found.unless((await unseenIn(rush(crowd))) === events.length, "G1 not every event had one holder after its release");
  await Promise.all([...holders.values()].flat().map((reservation) => reservation.commit()));
  const decisions = new Set((await rush(crowd)).map(({ decision }) => decision));
  found.unless(!decisions.has("unseen"), "G3 an event was unseen after its commit");
  return found.all;
};

/** G2: before the commit, the event is pending for other replicas, whether its holder fails, dies or succeeds. */
export const nothingLost: Check = async (scene) => {
  const found = new Findings();
  const [a, b, c] = await Promise.all([
    scene.replica("a", { leaseMs: LONG_LEASE_MS }),
    scene.replica("b"),
    scene.replica("c"),
  ]);
  const of = scene.newEvent();
  const isPending = async (replica: NatsReplica, when: string): Promise<void> => {
    for (let times = 0; times < 3; times += 1) {
      const { decision } = await decided(replica, of);
      found.unless(decision === "pending", `G2 the event was ${decision} for ${replica.dedup.owner} ${when}`);
    }
  };
  const first = await scene.reserved(a, of);
  await Promise.all([b, c].map((replica) => isPending(replica, "while it was dispatched")));
  if (found.all.length > 0) return found.all;
  await first.release();
  await scene.reserved(b, of);
  await Promise.all([a, c].map((replica) => isPending(replica, "while it was dispatched again")));
  b.proxy.cut();
  const last = await scene.soon("the event to be unseen after the holder's end", async () => {
    const decision = await decided(a, of);
    found.unless(decision.decision !== "duplicate", "G2 the event was a duplicate, and only a dead replica had it");
    return decision.decision === "unseen" ? decision : undefined;
  });
  await isPending(c, "while it was dispatched a third time");
  const report = await last.commit();
  found.unless(report.commit === "confirmed", `G2 the commit was ${report.commit}`);
  const { decision } = await decided(c, of);
  found.unless(decision === "duplicate", `G2 the event was ${decision} after the commit`);
  return found.all;
};

/** G3: all replicas reserve repeatedly, from the commit until long after its window. */
export const noSecondDispatch: Check = async (scene) => {
  const found = new Findings();
  const windowMs = 4_000;
  const replicas = await Promise.all(["a", "b", "c"].map((owner) => scene.replica(owner, { windowMs })));
  const of = scene.newEvent();
  const [first] = replicas;
  if (first === undefined) throw new Error("unreachable");
  const before = await scene.reserved(first, of);
  const committedMs = performance.now();
  const { commit } = await before.commit();
  found.unless(commit === "confirmed", `G3 the commit was ${commit}`);
  await before.release();
  const again: Reservation[] = [];
  let duplicates = 0;
  const ask = async (replica: NatsReplica): Promise<void> => {
    const decision = await decided(replica, of);
    if (decision.decision === "duplicate") duplicates += 1;
    if (decision.decision !== "unseen") return;
    again.push(decision);
    const passedMs = performance.now() - committedMs;
    found.unless(passedMs >= windowMs - CLOCK_ERROR_MS, "G3 the event was unseen before the window ended");
  };
  await found.unlessResolved(
    scene.soon("G3 the event to be unseen after the window", async () => {
      await Promise.all(replicas.map(ask));
      return again[0];
    }),
  );
  found.unless(duplicates > 0, "G3 no replica returned a duplicate");
  found.unless(again.length <= 1, "G1 the event had several holders after the window");
  found.unless(
    again.every(({ fence }) => fence > before.fence),
    "G5 the fence did not rise",
  );
  return found.all;
};

/** G4: a holder is cut off forever. One replica waits for its first event, another comes much later for its second. */
export const progress: Check = async (scene) => {
  const found = new Findings();
  const [a, b] = await Promise.all([scene.replica("a"), scene.replica("b")]);
  const [awaited, left] = [scene.newEvent(), scene.newEvent()];
  const [first, other] = [await scene.reserved(a, awaited), await scene.reserved(a, left)];
  a.proxy.cut();
  const next = await found.unlessResolved(scene.reserved(b, awaited));
  if (next === undefined) return found.all;
  found.unless(first.signal.aborted, "G6 the first holder's signal did not abort");
  found.unless(next.fence > first.fence, "G5 the fence did not rise");
  found.unless((await next.commit()).commit === "confirmed", "G4 the second holder could not commit");

  await found.unlessResolved(
    scene.soon(
      "G4 the reservation to end in the bucket",
      async () => (await scene.directStore.get(left.storeKey)) === undefined,
    ),
  );
  const late = await scene.replica("late");
  const decision = await decided(late, left);
  found.unless(decision.decision === "unseen", `G4 the event was ${decision.decision} after the reservation's end`);
  found.unless(decision.decision !== "unseen" || decision.fence > other.fence, "G5 the fence did not rise");
  return found.all;
};

/** G5: holders continue after their lease ended, some without noticing, while another replica holds their events. */
export const fenced: Check = async (scene) => {
  const found = new Findings();
  const [late, held, slow, b] = await Promise.all([
    scene.replica("late", { renew: false }),
    scene.replica("held"),
    // Its real lease is over before its first renewal.
    scene.replica("slow", { clock: slowClock(10) }),
    scene.replica("b", { leaseMs: LONG_LEASE_MS, renew: false }),
  ]);
  const part = async (
    a: NatsReplica,
    what: string,
    goOn: (reservation: Reservation) => Promise<unknown>,
    meanwhile = (): void => {},
  ): Promise<void> => {
    const of = scene.newEvent();
    const first = await scene.reserved(a, of);
    meanwhile();
    const next = await scene.reserved(b, of);
    found.unless(next.fence > first.fence, "G5 the fence did not rise");
    const before = await scene.directStore.get(of.storeKey);
    await goOn(first);
    const after = await scene.directStore.get(of.storeKey);
    const untouched = after?.record.owner === "b" && after.revision === before?.revision;
    found.unless(untouched, `G5 a holder whose lease had ended ${what} a later one's reservation`);
    const { commit } = await next.commit();
    found.unless(!untouched || commit === "confirmed", `G5 the later holder's commit was ${commit}`);
  };
  const isSuperseded = async (reservation: Reservation): Promise<void> => {
    const { commit } = await reservation.commit();
    found.unless(commit === "superseded", `G8 the late commit was ${commit}`);
  };
  await Promise.all([
    part(late, "committed over", isSuperseded),
    part(
      held,
      "renewed over, long after it had asked for it,",
      async (reservation) => {
        // The commit follows the renewals on one connection: once it is answered, they have landed.
        held.proxy.heal();
        await isSuperseded(reservation);
      },
      () => held.proxy.requests("hold"),
    ),
    part(late, "released", (reservation) => reservation.release()),
    part(slow, "renewed over", (reservation) =>
      scene.soon("the late renewal", () => {
        const renewed = slow.steps.some(({ type, fence }) => type === "renewed" && fence === reservation.fence);
        return renewed || reservation.signal.aborted;
      }),
    ),
    part(slow, "committed over, without having noticed,", isSuperseded),
    part(slow, "released, without having noticed,", (reservation) => reservation.release()),
  ]);
  return found.all;
};

/** A cause for which a holder loses its event, and the expected abort reason. */
interface Loss {
  readonly reason: string;
  readonly leaseMs: number;
  readonly renew: boolean;
  lose(holder: NatsReplica): Promise<void> | void;
}

const losses: readonly Loss[] = [
  // Long enough for another replica to reserve it first if the bucket forgets it after a second, on a busy machine.
  { reason: "lease-ended", leaseMs: 2 * LEASE_MS, renew: false, lose: () => {} },
  { reason: "store-unavailable", leaseMs: LEASE_MS, renew: true, lose: ({ proxy }) => proxy.cut() },
  {
    reason: "store-unavailable",
    leaseMs: LEASE_MS,
    renew: true,
    // Its renewals arrive, but their answers do not.
    lose: ({ proxy }) => proxy.answers("swallow"),
  },
  {
    reason: "shutdown",
    leaseMs: LONG_LEASE_MS,
    renew: true,
    lose: ({ dedup }) => dedup.close({ drainMs: 0 }),
  },
];

/** G6: however the holder loses its event, its signal aborts before the next holder's reservation. */
export const abortedInTime: Check = async (scene) => {
  const found = new Findings();
  await Promise.all(
    losses.map(async ({ reason, leaseMs, renew, lose }, index) => {
      const [a, b] = [
        await scene.replica(`a${index}`, { leaseMs, renew }),
        await scene.replica(`b${index}`, { leaseMs: LONG_LEASE_MS }),
      ];
      const of = scene.newEvent();
      const order: string[] = [];
      const reservation = await scene.reserved(a, of);
      reservation.signal.addEventListener("abort", () => order.push("aborted"));
      const next = scene.reserved(b, of).then(() => order.push("unseen"));
      await lose(a);
      await found.unlessResolved(next);
      await scene.soon("the first holder's signal to abort", () => order.includes("aborted"));
      found.unless(order.join() === "aborted,unseen", `G6 in the case of ${reason} the order was ${order.join()}`);
      const reported = reasonOf(reservation.signal);
      found.unless(reported === reason, `G6 the reason was ${reported} instead of ${reason}`);
    }),
  );
  return found.all;
};

/** G6: an operator clears the event and another replica reserves it. The next renewal aborts the signal. */
export const abortedAfterClear: Check = async (scene) => {
  const found = new Findings();
  // A holder that lost its lease has nothing to clear.
  const [a, b] = [await scene.replica("a", { leaseMs: 3 * LEASE_MS }), await scene.replica("b")];
  const of = scene.newEvent();
  const { signal } = await scene.reserved(a, of);
  const which = { workspaceId: of.workspaceId, subscriptionId: of.subscriptionId, eventId: of.eventId };
  await scene.soon("the event to be cleared, between two renewals", async () => (await b.dedup.clear(which)) === 1);
  const next = await scene.reserved(b, of);
  await scene.soon("the first holder's signal to abort", () => signal.aborted);
  const reported = reasonOf(signal);
  found.unless(reported === "superseded", `G6 the reason was ${reported} instead of superseded`);
  const entry = await scene.directStore.get(of.storeKey);
  found.unless(entry?.record.owner === "b", "G5 the first holder's renewal took the event back");
  found.unless(!next.signal.aborted, "G6 the wrong holder's signal aborted");
  return found.all;
};

function reasonOf(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof ReservationLostError ? reason.reason : String(reason);
}
