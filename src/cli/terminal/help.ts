/** What `--help` says below the options; at most 80 columns wide. */
export const help = {
  program: `
Exit codes:
  0    all went well
  1    some events did not end well
  2    wrong usage, or an input, target or server that cannot be used
  130  interrupted

latchkey <command> --help tells more.`,

  run: `
Input, one event a line (NDJSON):
  A CloudEvent as JSON; its identity is its source and its id together.
  A GitHub webhook delivery; its identity is the delivery id:
    {"headers": {"x-github-event": …, "x-github-delivery": …}, "body": …}
  A line that is neither is reported with its number, and the rest goes on.
  Messages of a stream are either of these, CloudEvents in binary mode, or
  anything else that has a Nats-Msg-Id.

What --to sends: a POST with the event's data as it stands in the line, the
other attributes as ce-* headers, GitHub's own headers, and
  Idempotency-Key   the dedup key, the same however often the event is sent
  Latchkey-Fence    rises with every attempt: refuse what is lower than the last
  Latchkey-Attempt  1 at first; more when the event may have been sent before
2xx is success. 400, 410, 413, 415 and 422 judge this very event, which fails
at once. Everything else speaks of the endpoint and is tried again: no answer,
redirects, 401, 403, 404 and 409 too. Retry-After is heeded.

What --exec runs: the command, without a shell, with the event as it came on
its standard input, and in its environment LATCHKEY_KEY, LATCHKEY_FENCE,
LATCHKEY_ATTEMPT, LATCHKEY_SUBSCRIPTION, LATCHKEY_EVENT_ID, LATCHKEY_EVENT_TYPE.
Exit code 0 is success, any other is tried again. It gets a SIGTERM when its
--timeout is over, before another process may take the event over, and when you
abort; five seconds later a SIGKILL. What it prints goes to standard error.

What is remembered: in this process, until it ends. With --bucket, in a NATS
JetStream bucket that all runs with the same --subscription share: a run that
failed can be repeated, and sends only what was not sent before.

Ctrl-C lets finish what runs; a second one aborts it.

Exit codes:
  0    every event was dispatched, now or before
  1    some events failed, could not be read, or may run twice
  2    wrong usage, or an input, target or server that cannot be used
  130  interrupted; but a stream has no end, so there the first Ctrl-C is how
       to stop, with 0 or 1

Examples:
  latchkey run --file deliveries.ndjson --to http://localhost:8080/hook
  zcat events.ndjson.gz | latchkey run --exec ./handle-event --verbose
  latchkey run --stream EVENTS --consumer billing --bucket dedup \\
    --to http://localhost:8080/hook`,

  key: `
The event id of a CloudEvent is the JSON array of its source and its id:
  latchkey key billing '["/orders","42"]'
That of a GitHub webhook delivery is its delivery id:
  latchkey key billing 72d3162e-cc78-11e3-81ab-4c9367dc0958`,

  demo: `
Exit codes:
  0    nothing was lost, and nothing was dispatched again after its commit
  1    something was
  2    wrong usage, or a server that cannot be used
  130  interrupted`,

  list: `
States:
  reserved    an owner dispatches the event; its deliveries are put back
  committed   the event was dispatched; its deliveries are duplicates
  unreadable  not a record that this version reads, or another event's;
              deliveries are put back
Orders: attention (unreadable, then reserved for the longest, then the latest
commits), newest or oldest (by the last write), ending (the soonest first).

The columns: TRY is the attempt; SINCE how long a key is held at least, or was
committed; LEFT what is left of its lease, or of its window.

Exit codes:
  0    listed, if only that there are none
  2    wrong usage, or a server or bucket that cannot be used
  130  interrupted

Examples:
  latchkey list --bucket dedup --state reserved --older-than 5m
    what is stuck?
  latchkey list --bucket dedup --subscription billing --newer-than 1h
  latchkey list --bucket dedup --owner web-3 --json | jq -r .key`,

  show: `
"delivery" in the JSON object is what a delivery comes to: dispatched,
duplicate (suppressed), pending (put back), or refused (not readable).
Times are by the clock of the server that leads the bucket. Renewals hide when a
reservation began: "held since" is the earliest that is sure.

Exit codes:
  0    the bucket holds something for the event
  1    it holds nothing: a delivery would be dispatched
  2    wrong usage, or a server or bucket that cannot be used

Examples:
  latchkey show --bucket dedup billing '["/orders","42"]'
  latchkey show --bucket dedup billing 72d3162e-cc78-11e3-81ab-4c9367dc0958
  latchkey show --bucket dedup "$(latchkey key billing evt-1)" --json`,

  clear: `
Reserved keys are left alone unless --state says otherwise: their handlers run,
are told to stop at their next renewal, and their events may run twice.

Exit codes:
  0    all were cleared; or there were none; or it was a dry run
  1    the answer was no; or some had changed meanwhile and were left
  2    wrong usage, or a server or bucket that cannot be used
  130  interrupted

Examples:
  latchkey clear --bucket dedup billing '["/orders","42"]'
  latchkey clear --bucket dedup --subscription billing --newer-than 2h --dry-run
  latchkey clear --bucket dedup --owner web-3 --state reserved --yes`,

  doctor: `
Severities:
  error    events can get lost, run twice or not at all, or replicas refuse
           to start
  warning  they can when something else goes wrong too, or they wait for long
  note     could not be looked at, or is a matter of choice
Permissions are those of the user given here: give a replica's to see whether
they are enough. They are tried with requests that the server refuses.

Exit codes:
  0  no error was found
  1  some were
  2  wrong usage, or a server that cannot be reached

Examples:
  latchkey doctor --bucket dedup --stream EVENTS --consumer billing
  latchkey doctor --bucket dedup --monitor http://n1:8222,http://n2:8222
  latchkey doctor --bucket dedup --json | jq 'select(.severity == "error")'`,

  inspect: `
What leaves no trace in a bucket it cannot show: duplicates and pending
deliveries. A service that serves its own inspector (latchkey/inspect) sees
every step of its process.

The address has a token behind its #: whoever has it may release and clear keys.
At any other address than loopback nobody sees anything without it, but it is
sent without encryption: put TLS before it, or use an SSH tunnel. The token is
another one each time, or LATCHKEY_INSPECTOR_TOKEN.

Exit codes:
  0  ended by Ctrl-C
  2  wrong usage, or a server or bucket that cannot be used

Examples:
  latchkey inspect --bucket dedup
  latchkey inspect --bucket dedup --port 8080 --read-only`,

  draw: `
Examples:
  latchkey draw > dedup-key.mmd
  latchkey draw delivery --svg > delivery.svg
  latchkey draw delivery --json | jq .states.guarded`,

  completion: `
To have it in every new shell:
  bash  echo 'source <(latchkey completion bash)' >> ~/.bashrc
  zsh   echo 'source <(latchkey completion zsh)' >> ~/.zshrc, after compinit
  fish  latchkey completion fish > ~/.config/fish/completions/latchkey.fish`,
} as const;
