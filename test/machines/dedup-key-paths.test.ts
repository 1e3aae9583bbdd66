import { describe, expect, it } from "vitest";
import { type DedupKeyEvent, type DedupKeyInput, MOST_CLAIMS } from "../../machines/dedup-key.ts";
import { dedupKeyMachine } from "../../machines/index.ts";
import { compile } from "../../src/statechart/compiled-logic.ts";

const logic = compile(dedupKeyMachine);

const acked = (revision: number): DedupKeyEvent => ({ type: "write.acked", revision, late: false });
const ackedLate = (revision: number): DedupKeyEvent => ({ type: "write.acked", revision, late: true });
const ours = (revision: number): DedupKeyEvent => ({ type: "found.own.reservation", revision, late: false });
const ourCommit: DedupKeyEvent = { type: "found.own.commit", revision: 9 };
const anothers: DedupKeyEvent = { type: "found.reservation", revision: 7, attempt: 2, ended: false };
const anothersEnded: DedupKeyEvent = { ...anothers, ended: true };
const anothersCommit: DedupKeyEvent = { type: "found.commit", revision: 7 };
const nothing: DedupKeyEvent = { type: "found.nothing" };
const cleared: DedupKeyEvent = { type: "found.cleared" };
const conflicted: DedupKeyEvent = { type: "write.conflicted" };
const unreachable: DedupKeyEvent = { type: "store.unreachable", ambiguous: false };
const timedOut: DedupKeyEvent = { type: "store.unreachable", ambiguous: true };
const broken: DedupKeyEvent = { type: "store.broken" };
const retry: DedupKeyEvent = { type: "retry.due", exhausted: false };
const noMoreTime: DedupKeyEvent = { type: "retry.due", exhausted: true };
const renewalDue: DedupKeyEvent = { type: "renewal.due" };
const leaseEnded: DedupKeyEvent = { type: "lease.ended" };
const shutdown: DedupKeyEvent = { type: "shutdown" };
const succeeded: DedupKeyEvent = { type: "handler.succeeded" };
const failed: DedupKeyEvent = { type: "handler.failed" };
const removed: DedupKeyEvent = { type: "removed" };
const unremovable: DedupKeyEvent = { type: "unremovable" };

/** Follows a path from the start. Returns its actions, with the revision that each write expects, and its last state. */
function follow(events: readonly DedupKeyEvent[], input: Partial<DedupKeyInput> = {}): string[] {
  let { snapshot, actions } = logic.begin({ mayDispatchUnprotected: false, attempt: 1, ...input });
  const done = [...actions];
  for (const event of events) {
    ({ snapshot, actions } = logic.step(snapshot, event));
    done.push(...actions);
  }
  return [
    ...done.map(({ type, params, context }) => {
      if (type === "putReservation") return `${type} over ${context.expected}`;
      if (["renewLease", "putCommit", "removeReservation"].includes(type)) return `${type} over ${context.revision}`;
      return typeof params === "object" && params !== null ? `${type} ${Object.values(params).join()}` : type;
    }),
    `-> ${JSON.stringify(snapshot.value).replaceAll(/[{}"]/g, "")}`,
  ];
}

type Path = readonly [what: string, events: readonly DedupKeyEvent[], done: readonly string[]];

const CLAIMED = ["putReservation over 0"];
const GRANTED = [...CLAIMED, "armDeadline", "startHandler"];
const granted = acked(1);

describe("a claim", () => {
  it.each<Path>([
    ["that is acknowledged starts the handler", [granted], [...GRANTED, "-> reserved:dispatching:running"]],
    [
      "of a committed key settles as a duplicate (G2)",
      [anothersCommit],
      [...CLAIMED, "settle duplicate", "-> committed"],
    ],
    [
      "of a key that another replica holds settles as pending (G2)",
      [anothers],
      [...CLAIMED, "settle pending", "-> pending"],
    ],
    [
      "of a key with another replica's expired reservation replaces only that reservation (G4)",
      [conflicted, anothersEnded, acked(8)],
      [
        ...CLAIMED,
        "readRecord",
        "putReservation over 7",
        "armDeadline",
        "startHandler",
        "-> reserved:dispatching:running",
      ],
    ],
    [
      "F13 of a key that was removed before its read is repeated",
      [conflicted, nothing, acked(8)],
      [
        ...CLAIMED,
        "readRecord",
        "putReservation over 0",
        "armDeadline",
        "startHandler",
        "-> reserved:dispatching:running",
      ],
    ],
    [
      `is made at most ${MOST_CLAIMS} times, then the delivery comes back`,
      [...Array.from({ length: MOST_CLAIMS }, () => [conflicted, nothing]).flat()],
      [
        ...Array.from({ length: MOST_CLAIMS }, () => ["putReservation over 0", "readRecord"]).flat(),
        "settle pending",
        "-> pending",
      ],
    ],
    [
      "that was acknowledged after its lease is replaced by a new claim",
      [ackedLate(1), acked(2)],
      [...CLAIMED, "putReservation over 1", "armDeadline", "startHandler", "-> reserved:dispatching:running"],
    ],
    [
      `that was acknowledged after its lease ${MOST_CLAIMS} times is given up`,
      Array.from({ length: MOST_CLAIMS }, (_, index) => ackedLate(index + 1)),
      [
        ...Array.from({ length: MOST_CLAIMS }, (_, index) => `putReservation over ${index}`),
        "settle unavailable",
        "-> unavailable",
      ],
    ],
    [
      "F11 that timed out is repeated unchanged until its result is known (G9)",
      [timedOut, retry, timedOut, retry, acked(1)],
      [
        ...CLAIMED,
        "armRetry",
        "putReservation over 0",
        "armRetry",
        "putReservation over 0",
        "armDeadline",
        "startHandler",
        "-> reserved:dispatching:running",
      ],
    ],
    [
      "F11 that timed out and was applied is recognised (G9)",
      [timedOut, retry, ours(1)],
      [
        ...CLAIMED,
        "armRetry",
        "putReservation over 0",
        "armDeadline",
        "startHandler",
        "-> reserved:dispatching:running",
      ],
    ],
    [
      "in doubt is retried while the store is unreachable, and is abandoned at its deadline",
      [timedOut, retry, unreachable, retry, conflicted, unreachable, noMoreTime],
      [
        ...CLAIMED,
        "armRetry",
        "putReservation over 0",
        "armRetry",
        "putReservation over 0",
        "readRecord",
        "armRetry",
        "settle unavailable",
        "-> unavailable",
      ],
    ],
    [
      "that never reached the store is abandoned at once",
      [unreachable],
      [...CLAIMED, "settle unavailable", "-> unavailable"],
    ],
    [
      "is abandoned when the holder of the key cannot be read",
      [conflicted, unreachable],
      [...CLAIMED, "readRecord", "settle unavailable", "-> unavailable"],
    ],
    ["is abandoned when the store breaks its contract", [broken], [...CLAIMED, "settle unavailable", "-> unavailable"]],
  ])("%s", (_, events, done) => {
    expect(follow(events)).toEqual(done);
  });

  it("counts the attempts of earlier holders", () => {
    const { snapshot } = logic.begin({ mayDispatchUnprotected: false, attempt: 1 });
    const again = logic.step(snapshot, anothersEnded).snapshot;
    expect(again.context).toMatchObject({ attempt: 3, expected: 7, claims: 2 });
    expect(logic.step(again, acked(8)).snapshot.context).toMatchObject({ fence: 8, revision: 8, inDoubt: false });
  });

  it("keeps the attempt that the transport reports, if that is higher", () => {
    const { snapshot } = logic.begin({ mayDispatchUnprotected: false, attempt: 9 });
    expect(logic.step(snapshot, anothersEnded).snapshot.context.attempt).toBe(9);
  });
});

describe("a dispatch", () => {
  it.each<Path>([
    [
      "that succeeds is committed over its reservation",
      [granted, succeeded, acked(2)],
      [...GRANTED, "putCommit over 1", "settle confirmed", "-> committed"],
    ],
    [
      "that fails releases the key (G7)",
      [granted, failed, removed],
      [...GRANTED, "removeReservation over 1", "settle released", "-> released"],
    ],
    [
      "that fails leaves its reservation to expire if the store cannot remove",
      [granted, failed, unremovable],
      [...GRANTED, "removeReservation over 1", "settle left-to-expire", "-> released"],
    ],
    [
      "that fails leaves its reservation to expire if the store is unreachable (G7)",
      [granted, failed, timedOut],
      [...GRANTED, "removeReservation over 1", "settle left-to-expire", "-> released"],
    ],
    [
      "F1 that fails does not change a later holder's record (G5)",
      [granted, failed, anothers],
      [...GRANTED, "removeReservation over 1", "settle released", "-> released"],
    ],
    [
      "that fails during a renewal releases the renewed key",
      [granted, renewalDue, failed, ours(2), removed],
      [
        ...GRANTED,
        "renewLease over 1",
        "removeReservation over 1",
        "removeReservation over 2",
        "settle released",
        "-> released",
      ],
    ],
    [
      "continues under a renewed lease, and is committed over it",
      [granted, renewalDue, acked(2), succeeded, acked(3)],
      [...GRANTED, "renewLease over 1", "armDeadline", "putCommit over 2", "settle confirmed", "-> committed"],
    ],
    [
      "continues while failed renewals are retried",
      [granted, renewalDue, timedOut, renewalDue, ours(2), renewalDue, conflicted, ours(2)],
      [
        ...GRANTED,
        "renewLease over 1",
        "armRenewalRetry",
        "renewLease over 1",
        "armDeadline",
        "renewLease over 2",
        "readRecord",
        "armRenewalRetry",
        "-> reserved:dispatching:running",
      ],
    ],
    ...[anothers, anothersCommit, nothing].map(
      (found): Path => [
        `is aborted when its renewal ends in ${found.type} (G6)`,
        [granted, renewalDue, conflicted, found],
        [...GRANTED, "renewLease over 1", "readRecord", "abortHandler superseded", "-> expired:dispatching:running"],
      ],
    ),
    [
      "is aborted when its lease ends (G6)",
      [granted, leaseEnded],
      [...GRANTED, "abortHandler lease-ended", "-> expired:dispatching:running"],
    ],
    [
      "that fails after its lease releases the renewed reservation",
      [granted, renewalDue, leaseEnded, acked(2), failed, removed],
      [
        ...GRANTED,
        "renewLease over 1",
        "abortHandler lease-ended",
        "removeReservation over 2",
        "settle released",
        "-> released",
      ],
    ],
  ])("%s", (_, events, done) => {
    expect(follow(events)).toEqual(done);
  });
});

describe("a commit", () => {
  const COMMITTING = [...GRANTED, "putCommit over 1"];
  const EXPIRED = [...GRANTED, "abortHandler lease-ended", "putCommit over 1"];
  it.each<Path>([
    [
      "after the lease is adopted if no replica took over (G8)",
      [granted, leaseEnded, succeeded, acked(2)],
      [...EXPIRED, "settle adopted", "-> committed"],
    ],
    [
      "after the reservation was removed is adopted (G8)",
      [granted, leaseEnded, succeeded, conflicted, nothing, acked(2)],
      [...EXPIRED, "readRecord", "putCommit over 0", "settle adopted", "-> committed"],
    ],
    [
      "is adopted when the reservation was removed unnoticed (G8)",
      [granted, succeeded, conflicted, nothing, acked(2)],
      [...COMMITTING, "readRecord", "putCommit over 0", "settle adopted", "-> committed"],
    ],
    ...[anothers, anothersEnded, anothersCommit].flatMap((found): Path[] => [
      [
        `F1 never replaces another's: ${JSON.stringify(found)} (G5, G8)`,
        [granted, succeeded, found],
        [...COMMITTING, "settle superseded", "-> superseded"],
      ],
      [
        `F1 never replaces another's after the lease: ${JSON.stringify(found)} (G5, G8)`,
        [granted, leaseEnded, succeeded, conflicted, found],
        [...EXPIRED, "readRecord", "settle superseded", "-> superseded"],
      ],
    ]),
    [
      "replaces a renewal whose answer was lost",
      [granted, renewalDue, succeeded, ours(2), acked(3)],
      [...GRANTED, "renewLease over 1", "putCommit over 1", "putCommit over 2", "settle confirmed", "-> committed"],
    ],
    [
      "F14 pauses after a stale read (G10)",
      [granted, succeeded, conflicted, ours(1), retry, acked(3)],
      [...COMMITTING, "readRecord", "armRetry", "putCommit over 1", "settle confirmed", "-> committed"],
    ],
    [
      "F14 over an empty key pauses after a read that shows no record (G10)",
      [granted, leaseEnded, succeeded, conflicted, nothing, conflicted, nothing, retry, acked(3)],
      [
        ...EXPIRED,
        "readRecord",
        "putCommit over 0",
        "readRecord",
        "armRetry",
        "putCommit over 0",
        "settle adopted",
        "-> committed",
      ],
    ],
    [
      "F14 pauses when every second read is stale, and then expects its own newest record (G10)",
      [granted, leaseEnded, succeeded, conflicted, nothing, conflicted, ours(1), retry, acked(3)],
      [
        ...EXPIRED,
        "readRecord",
        "putCommit over 0",
        "readRecord",
        "armRetry",
        "putCommit over 1",
        "settle adopted",
        "-> committed",
      ],
    ],
    [
      "F10 that timed out is repeated (G9)",
      [granted, succeeded, timedOut, retry, acked(2)],
      [...COMMITTING, "armRetry", "putCommit over 1", "settle confirmed", "-> committed"],
    ],
    [
      "F10 that timed out and was applied is recognised (G9)",
      [granted, succeeded, timedOut, retry, ourCommit],
      [...COMMITTING, "armRetry", "putCommit over 1", "settle confirmed", "-> committed"],
    ],
    [
      "F10 is unconfirmed if the time for retries ends first (G9)",
      [granted, succeeded, timedOut, retry, unreachable, noMoreTime],
      [...COMMITTING, "armRetry", "putCommit over 1", "armRetry", "settle unconfirmed", "-> unconfirmed"],
    ],
  ])("%s", (_, events, done) => {
    expect(follow(events)).toEqual(done);
  });
});

describe("a shutdown", () => {
  const GIVEN_BACK = [...GRANTED, "abortHandler shutdown", "removeReservation over 1"];
  it.each<Path>([
    [
      "aborts the handler, and then releases the key (G6)",
      [granted, shutdown],
      [...GIVEN_BACK, "-> expired:dispatching:removing"],
    ],
    [
      "releases nothing more if the handler then fails",
      [granted, shutdown, removed, failed],
      [...GIVEN_BACK, "settle released", "-> released"],
    ],
    [
      "adopts the commit of a handler that succeeds despite the abort (G8)",
      [granted, shutdown, removed, succeeded, acked(3)],
      [...GIVEN_BACK, "putCommit over 0", "settle adopted", "-> committed"],
    ],
    [
      "commits a handler that succeeds during the release, if possible (G8)",
      [granted, shutdown, succeeded, conflicted, nothing, acked(3)],
      [...GIVEN_BACK, "putCommit over 1", "readRecord", "putCommit over 0", "settle adopted", "-> committed"],
    ],
    [
      "releases the record of a renewal whose answer was lost",
      [granted, renewalDue, shutdown, conflicted, ours(2), removed],
      [
        ...GRANTED,
        "renewLease over 1",
        "abortHandler shutdown",
        "removeReservation over 1",
        "readRecord",
        "removeReservation over 2",
        "-> expired:dispatching:running",
      ],
    ],
    [
      "leaves a key that cannot be released to expire",
      [granted, shutdown, unremovable, failed, unremovable],
      [...GIVEN_BACK, "removeReservation over 1", "settle left-to-expire", "-> released"],
    ],
  ])("%s", (_, events, done) => {
    expect(follow(events)).toEqual(done);
  });
});

describe("an unprotected dispatch", () => {
  const UNPROTECTED = [...CLAIMED, "startHandler"];
  it.each<Path>([
    ["starts when the store is unreachable", [unreachable], [...UNPROTECTED, "-> expired:dispatching:running"]],
    [
      "starts when a claim stays in doubt until its deadline",
      [timedOut, noMoreTime],
      [...CLAIMED, "armRetry", "startHandler", "-> expired:dispatching:running"],
    ],
    [
      "does not start when another replica is known to hold the key",
      [conflicted, unreachable],
      [...CLAIMED, "readRecord", "settle unavailable", "-> unavailable"],
    ],
    [
      "does not start when the store breaks its contract",
      [broken],
      [...CLAIMED, "settle unavailable", "-> unavailable"],
    ],
    [
      "that succeeds is committed if no replica holds the key",
      [unreachable, succeeded, acked(1)],
      [...UNPROTECTED, "putCommit over 0", "settle adopted", "-> committed"],
    ],
    [
      "that succeeds is committed over a claim in doubt that was applied",
      [timedOut, noMoreTime, succeeded, ours(1), acked(2)],
      [
        ...CLAIMED,
        "armRetry",
        "startHandler",
        "putCommit over 0",
        "putCommit over 1",
        "settle adopted",
        "-> committed",
      ],
    ],
    [
      "is superseded when another replica holds the key (G8)",
      [unreachable, succeeded, anothers],
      [...UNPROTECTED, "putCommit over 0", "settle superseded", "-> superseded"],
    ],
    ["that fails releases nothing", [unreachable, failed], [...UNPROTECTED, "settle released", "-> released"]],
    [
      "that fails leaves a claim in doubt to expire",
      [timedOut, noMoreTime, failed],
      [...CLAIMED, "armRetry", "startHandler", "settle left-to-expire", "-> released"],
    ],
    [
      "is aborted at shutdown",
      [unreachable, shutdown],
      [...UNPROTECTED, "abortHandler shutdown", "-> expired:dispatching:running"],
    ],
  ])("%s", (_, events, done) => {
    expect(follow(events, { mayDispatchUnprotected: true })).toEqual(done);
  });

  it("has no fence", () => {
    const { snapshot } = logic.begin({ mayDispatchUnprotected: true, attempt: 1 });
    const { context } = logic.step(snapshot, unreachable).snapshot;
    expect(context).toMatchObject({ unprotected: true, fence: 0, revision: 0 });
  });
});

describe("a commit of a key that was cleared", () => {
  it.each<Path>([
    [
      "is not written again after a conflict",
      [granted, succeeded, timedOut, retry, conflicted, cleared],
      [
        ...GRANTED,
        "putCommit over 1",
        "armRetry",
        "putCommit over 1",
        "readRecord",
        "settle superseded",
        "-> superseded",
      ],
    ],
    [
      "is not written over nothing",
      [granted, leaseEnded, succeeded, cleared],
      [...GRANTED, "abortHandler lease-ended", "putCommit over 1", "settle superseded", "-> superseded"],
    ],
  ])("%s", (_, events, done) => {
    expect(follow(events)).toEqual(done);
  });
});
