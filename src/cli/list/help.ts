/** Text below the options of `latchkey list --help`, at most 80 columns wide. */
export const listHelp = `
States:
  reserved    an owner dispatches the event; its deliveries are pending
  committed   the event was dispatched; its deliveries are duplicates
  unreadable  not a record of this version, or the record of another event;
              its deliveries are refused and come back later
  failed      no key: the last dispatch failed within the last hour, and the
              next delivery is dispatched. Listed only with --state failed,
              and only in a bucket: PostgreSQL keeps no failures
A reserved key that needs attention is listed as overdue, endless, silent,
long-held or retried instead. Lines below the table explain these words.
Orders: attention (unreadable keys, then those that need attention, then the
longest reservations, then the latest commits), newest or oldest (last write),
ending (next to expire).

Columns: KEY is the beginning of the key, for latchkey show; TRY the attempt,
SINCE the age of the reservation or commit, and LEFT the remaining lease or
window. TOOK OVER is the fence of an earlier reservation whose holder did not
finish. A value that all rows share is printed once, below the table.

Exit codes:
  0    listed, even if no key matches
  2    wrong usage, or a server, bucket or table that cannot be used
  130  interrupted

Examples:
  latchkey list --bucket dedup --state reserved --older-than 5m
    which keys are stuck?
  latchkey list --bucket dedup --state failed
    which events failed, and why?
  latchkey list --bucket dedup --subscription billing --newer-than 1h
  latchkey list --bucket dedup --owner web-3 --json | jq -r .key`;
