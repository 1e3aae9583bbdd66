/** Text below the options of `latchkey clear --help`, at most 80 columns wide. */
export const clearHelp = `
Reserved keys are left unless --state selects them: their handlers run, are
aborted at the next renewal, and their events may run twice.

Exit codes:
  0    all matching keys were cleared, or none matched, or it was a dry run
  1    you declined, or some keys changed since they were counted and were left
  2    wrong usage, or a server, bucket or table that cannot be used
  130  interrupted

Examples:
  latchkey clear --bucket dedup billing '["/orders","42"]'
  latchkey clear --bucket dedup --subscription billing --newer-than 2h --dry-run
  latchkey clear --postgres postgres://db/app billing evt-1
  latchkey clear --bucket dedup --owner web-3 --state reserved --yes`;
