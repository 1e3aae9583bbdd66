/** Text below the options of `latchkey run --help`, at most 80 columns wide. */
export const runHelp = `
Input, one event per line (NDJSON):
  A CloudEvent as JSON. Its identity is its source and its id.
  A GitHub webhook delivery. Its identity is the delivery id:
    {"headers": {"x-github-event": …, "x-github-delivery": …}, "body": …}
  Other lines are reported with their number and skipped.
  Messages of a stream are either of these, CloudEvents in binary mode, or any
  message with a Nats-Msg-Id.

--to sends a POST with the event's data unchanged, the other attributes as ce-*
headers, GitHub's own headers, and
  Idempotency-Key   the dedup key: the same each time the event is sent
  Latchkey-Fence    rises with every attempt: refuse a lower one than the last
  Latchkey-Attempt  1 at first; more if the event may have been sent before
2xx is success. 400, 410, 413, 415 and 422 reject the event itself: it fails at
once. Every other result is retried: no response, redirects, 401, 403, 404 and
409 too. A Retry-After header is respected.

--exec runs the command without a shell. It gets the unchanged event on standard
input, and in its environment LATCHKEY_KEY, LATCHKEY_FENCE, LATCHKEY_ATTEMPT,
LATCHKEY_SUBSCRIPTION, LATCHKEY_EVENT_ID and LATCHKEY_EVENT_TYPE.
Exit code 0 is success; any other is retried. The command gets a SIGTERM when
--timeout ends, before another process can take the event over, and when you
abort. A SIGKILL follows five seconds later. Its output goes to standard error.

Keys are stored in memory until the process ends, or with --bucket in a NATS
JetStream bucket. All runs with the same --subscription share its keys: repeat a
failed run, and it sends only the events that were not dispatched before.

Ctrl-C waits for running dispatches. A second one aborts them.

Exit codes:
  0    every event was dispatched, now or before
  1    some events failed, were unreadable, or may run twice
  2    wrong usage, or an input, target or server that cannot be used
  130  interrupted; a stream has no end, so the first Ctrl-C stops it normally,
       with 0 or 1

Examples:
  latchkey run --file deliveries.ndjson --to http://localhost:8080/hook
  zcat events.ndjson.gz | latchkey run --exec ./handle-event --verbose
  latchkey run --stream EVENTS --consumer billing --bucket dedup \\
    --to http://localhost:8080/hook`;
