/** Text below the options of `latchkey inspect --help`, at most 80 columns wide. */
export const inspectHelp = `
Duplicates and pending deliveries leave no trace in a bucket, so this page does
not show them. A service that serves its own inspector (latchkey/inspect) shows
every event of its process.

The URL contains a token after the #. Anyone with the token can release and
clear keys. On an address other than loopback, every request needs the token,
but the connection is not encrypted: put TLS in front, or use an SSH tunnel. The
token is random, or the value of LATCHKEY_INSPECTOR_TOKEN.

Exit codes:
  0  ended by Ctrl-C
  2  wrong usage, or a server, bucket or table that cannot be used

Examples:
  latchkey inspect --bucket dedup
  latchkey inspect --bucket dedup --port 8080 --read-only
  latchkey inspect --file run.ndjson
    steps through a run that latchkey check --output wrote`;
