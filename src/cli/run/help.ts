import { SIGNAL_GAP_MS } from "../terminal/process-io.ts";
import { MAX_RETRY_AFTER_MS } from "./retry-delay.ts";
import { GRACE_MS } from "./target/exec-target.ts";
import { PERMANENT_STATUSES } from "./target/target.ts";

const REJECTING = new Intl.ListFormat("en-GB").format([...PERMANENT_STATUSES].map(String));

/** Text below the options of `latchkey run --help`, at most 80 columns wide. */
export const runHelp = `
Input, one JSON object per line in UTF-8, also compressed with gzip:
  A CloudEvent, identified by its source and its id.
  A recorded request, {"headers": {…}, "body": …}, with the headers of GitHub,
  GitLab, Bitbucket, Gitea, Shopify, Stripe, Slack, Standard Webhooks or a
  CloudEvent. Identified by the sender's id within the hook or account.
  The payload of Stripe, Slack, SNS, SQS or EventBridge.
  Any other object with --id: a header of the recorded request, or a JSON
  Pointer into the payload, such as /data/id. Ids are strings.
  Other lines are reported with their number and skipped.
  Messages of a stream are any of these, CloudEvents in binary mode, or have a
  Nats-Msg-Id.
Two different payloads with one id are reported: the second one fails.

--to sends a POST with the event's data unchanged, the other attributes as ce-*
headers, the sender's own headers, and
  Idempotency-Key     the same each time the event is sent; with
                      --key-per-attempt, another one for each attempt
  Latchkey-Fence      rises with every attempt: refuse a lower one than the last
  Latchkey-Attempt    1 at first; more if the event may have been sent before
  Latchkey-Workspace  the tenant
2xx is success. ${REJECTING} reject the event itself: it fails at
once. Every other result is retried: no response, redirects, 401, 403, 404 and
409 too. A Retry-After header is respected, up to ${MAX_RETRY_AFTER_MS / 60_000} minutes; not with --stream.
HTTP_PROXY, HTTPS_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS apply.

--exec runs the command without a shell. It gets the unchanged event on standard
input, and in its environment LATCHKEY_IDEMPOTENCY_KEY, LATCHKEY_FENCE,
LATCHKEY_ATTEMPT, LATCHKEY_WORKSPACE, LATCHKEY_SUBSCRIPTION, LATCHKEY_EVENT_ID
and LATCHKEY_EVENT_TYPE. Exit code 0 is success; any other is retried. When
--timeout or the reservation ends, and when you abort, the command gets a
SIGTERM, and a SIGKILL ${GRACE_MS / 1_000} seconds later. Its output goes to standard error.

Keys are stored in memory until the process ends, or with --bucket in a NATS
JetStream bucket. All runs with the same --subscription share its keys: repeat a
failed run, and it sends only the events that were not dispatched before.

Ctrl-C, SIGTERM and SIGHUP wait for running dispatches. A second signal, after
${SIGNAL_GAP_MS / 1_000} seconds or later, aborts them. A third one, or
SIGQUIT, kills the commands at once. Under nohup, SIGHUP is ignored.

Exit codes:
  0    every event was dispatched, now or before
  1    some events failed, were unreadable, or may run twice
  2    wrong usage, or an input, target or server that cannot be used
  130  interrupted; a stream has no end, so the first signal stops it normally,
       with 0 or 1

Examples:
  latchkey run --file deliveries.ndjson.gz --to http://localhost:8080/hook
  jq -c '.orders[]' day.json | latchkey run --id /orderId --exec ./handle-order
  latchkey run --stream EVENTS --consumer billing --bucket dedup \\
    --to http://localhost:8080/hook`;
