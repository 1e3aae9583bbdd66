/** Text below the options of `latchkey doctor --help`, at most 80 columns wide. */
export const doctorHelp = `
Severities:
  error    events can be lost, repeated or never run, or replicas refuse
           to start
  warning  the same can happen after another fault, or events are delayed
  note     not checked, or a matter of choice
Permissions are checked for the user of this command. Use the credentials of a
replica to check its permissions. The probes are requests that change nothing.

Exit codes:
  0  no errors were found
  1  errors were found
  2  wrong usage, or a server that cannot be reached

Examples:
  latchkey doctor --bucket dedup --stream EVENTS --consumer billing
  latchkey doctor --bucket dedup --monitor http://n1:8222,http://n2:8222
  latchkey doctor --postgres postgres://db/app
  latchkey doctor --bucket dedup --json | jq 'select(.severity == "error")'`;
