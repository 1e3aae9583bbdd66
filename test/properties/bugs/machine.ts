import { changes } from "../../support/machine-changes.ts";
import type { Bug } from "./bug.ts";

const machine = "machines/dedup-key.ts";
const lease = "src/engine/lease.ts";
const store = "src/stores/memory-store.ts";

/** Bugs in the dedup-key machine. */
export const machineBugs: readonly Bug[] = [
  {
    name: "a commit is written over another holder's reservation",
    breaks: "G5",
    faults: { "clock jump": 1 },
    patches: [{ file: machine, ...changes.commitOverReservation }],
  },
  {
    name: "a commit that met a conflict is reported as confirmed",
    breaks: "G9",
    faults: { "clock jump": 3, redelivery: 3, "late write": 2 },
    patches: [{ file: machine, ...changes.conflictConfirmed }],
  },
  {
    name: "a release removes another holder's reservation",
    breaks: "G5",
    faults: { "clock jump": 1, "failing effect": 1 },
    patches: [{ file: machine, ...changes.releaseOfReservation }],
  },
  {
    name: "a renewal is written over another holder's reservation",
    breaks: "G5",
    faults: { "clock jump": 2 },
    patches: [
      { file: machine, ...changes.renewalOverReservation },
      {
        file: lease,
        find: `if (lease.#nowMs < lease.#endsAtMs) lease.#context.actor.send({ type: "renewal.due" });`,
        replace: `lease.#context.actor.send({ type: "renewal.due" });`,
      },
      {
        file: lease,
        find: `this.#end = engine.timers.add(this.#endsAtMs, () => actor.send({ type: "lease.ended" }));`,
        replace: ``,
      },
    ],
  },
  {
    name: "an expired reservation is taken over without a write",
    breaks: "G5",
    faults: { crash: 2, "clock jump": 3, redelivery: 3 },
    patches: [
      { file: machine, ...changes.takeoverWithoutWrite },
      { file: store, find: `endsAtMs: nowMs + ttlMs`, replace: `endsAtMs: Infinity` },
    ],
  },
  {
    name: "an event whose key is read as free is dispatched without a write",
    breaks: "G10",
    faults: { "stale read": 2, redelivery: 1 },
    patches: [{ file: machine, ...changes.dispatchOfFreeKey }],
  },
  {
    name: "a claim that timed out counts as a reservation",
    breaks: "G1",
    faults: { "lost request": 3, redelivery: 3 },
    patches: [{ file: machine, ...changes.claimInDoubtHeld }],
  },
  {
    name: "an unconfirmed commit is reported as confirmed",
    breaks: "G9",
    faults: { outage: 2, refusal: 4, "clock jump": 4, "lost request": 3 },
    patches: [{ file: machine, ...changes.unconfirmedConfirmed }],
  },
  {
    name: "a commit whose key was removed is reported as confirmed",
    breaks: "G9",
    faults: { "clock jump": 4, redelivery: 2, outage: 1 },
    patches: [
      {
        file: machine,
        find: `      { target: ".writing", actions: "forgetRevision" },`,
        replace: `      { target: "#dedupKey.committed", actions: settle("adopted") },`,
      },
    ],
  },
  {
    name: "a dispatch that succeeded is confirmed without a commit",
    breaks: "G9",
    faults: { redelivery: 3 },
    patches: [
      {
        file: machine,
        find: `            "handler.succeeded": "committing",
            "handler.failed": "releasing",`,
        replace: `            "handler.succeeded": { target: "#dedupKey.released", actions: settle("confirmed") },
            "handler.failed": "releasing",`,
      },
    ],
  },
  {
    name: "every fence is the same",
    breaks: "G5",
    faults: { crash: 2, "failing effect": 2 },
    patches: [{ file: machine, ...changes.oneFence }],
  },
  {
    name: "the key of a failed dispatch is renewed forever",
    breaks: "G4",
    faults: { "failing effect": 2 },
    patches: [
      {
        file: machine,
        find: `            "handler.failed": "releasing",
            "lease.ended"`,
        replace: `            "lease.ended"`,
      },
    ],
  },
  {
    name: "a commit whose key was removed is reported as superseded",
    breaks: "G8",
    faults: { "clock jump": 3 },
    patches: [
      {
        file: machine,
        find: `      { target: ".writing", actions: "forgetRevision" },`,
        replace: `      { target: "#dedupKey.superseded", actions: settle("superseded") },`,
      },
    ],
  },
  {
    name: "a replica that cannot reach the store dispatches unprotected",
    breaks: "G1",
    faults: { refusal: 2, redelivery: 2 },
    patches: [{ file: machine, ...changes.unprotectedAlways }],
  },
  {
    name: "a key is renewed after its release",
    breaks: "G4",
    faults: { "failing effect": 1 },
    patches: [
      {
        file: machine,
        find: `removed: { target: "#dedupKey.released", actions: settle("released") },`,
        replace: `removed: "#dedupKey.reserved.dispatching.renewing",`,
      },
    ],
  },
];
