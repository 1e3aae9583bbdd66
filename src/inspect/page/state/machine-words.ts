/** Short explanations of the top-level states of `machines/dedup-key.ts`. */
export const stateWords: Readonly<Record<string, string>> = {
  unseen: "claiming the key",
  reserved: "one replica dispatches",
  expired: "lease over, still runs",
  committed: "done, copies suppressed",
  released: "failed, may run again",
  pending: "held by another replica",
  superseded: "may have run twice",
  unconfirmed: "commit unknown",
  unavailable: "store unavailable",
};

/** Labels of the lines between top-level states, by `<state> <state>`. */
export const lineWords: Readonly<Record<string, string>> = {
  "unseen reserved": "claimed",
  "unseen pending": "held by another",
  "unseen committed": "duplicate",
  "unseen unavailable": "store down",
  "unseen expired": "unprotected",
  "reserved committed": "dispatched",
  "reserved released": "failed",
  "reserved expired": "lease ended",
  "reserved superseded": "taken over",
  "reserved unconfirmed": "no answer",
  "expired committed": "adopted",
  "expired released": "failed",
  "expired superseded": "taken over",
  "expired unconfirmed": "no answer",
};

/** Explanations of the machine's events. */
export const machineEventWords: Readonly<Record<string, string>> = {
  "write.acked": "the store acknowledged the write",
  "write.conflicted": "the key had changed",
  removed: "the key was released",
  unremovable: "this store cannot remove keys, so the lease runs out",
  "found.nothing": "the key is empty",
  "found.cleared": "the key is empty, and keys were cleared in the meantime",
  "found.own.reservation": "the key contains this attempt's reservation",
  "found.own.commit": "the key contains this attempt's commit",
  "found.reservation": "another replica holds the key",
  "found.commit": "the event was already dispatched",
  "store.unreachable": "the store did not answer",
  "store.broken": "the store's answer was invalid",
  "retry.due": "the next retry is due",
  "handler.succeeded": "the handler returned",
  "handler.failed": "the handler threw",
  "renewal.due": "the next renewal is due",
  "lease.ended": "the lease ended",
  shutdown: "the replica shuts down",
};
