/** What the states of `machines/dedup-key.ts` at the top are, in a few words below their names. */
export const glosses: Readonly<Record<string, string>> = {
  unseen: "claiming the key",
  reserved: "one replica dispatches",
  expired: "lease over, still runs",
  committed: "done; copies suppressed",
  released: "failed; may come again",
  pending: "another is at it",
  superseded: "may have run twice",
  unconfirmed: "commit not known",
  unavailable: "store out of reach",
};

/** What goes along the lines between them; `<state> <state>`. */
export const lineWords: Readonly<Record<string, string>> = {
  "unseen reserved": "claimed",
  "unseen pending": "held by another",
  "unseen committed": "duplicate",
  "unseen unavailable": "store away",
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

/** What the machine's events mean. */
export const eventWords: Readonly<Record<string, string>> = {
  "write.acked": "the store took the write",
  "write.conflicted": "something else stood under the key",
  removed: "the key was given back",
  unremovable: "this store cannot remove: the lease runs out",
  "found.nothing": "the key holds nothing",
  "found.own.reservation": "our own reservation stands there",
  "found.own.commit": "our own commit stands there",
  "found.reservation": "another replica holds the key",
  "found.commit": "the event had been dispatched",
  "store.unreachable": "the store did not answer",
  "store.broken": "the store answered nonsense",
  "retry.due": "time to try again",
  "handler.succeeded": "the handler returned",
  "handler.failed": "the handler threw",
  "renewal.due": "time to renew the lease",
  "lease.ended": "the lease is over",
  shutdown: "the replica closes",
};
