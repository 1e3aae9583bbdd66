/** Text below the options of `latchkey show --help`, at most 80 columns wide. */
export const showHelp = `
The JSON field "delivery" says how the next delivery is handled: dispatched,
duplicate (suppressed), pending (comes back later), or refused (unreadable).
"suspicion" says why a reservation needs attention, as the states of latchkey
list do. Times follow the clock of the server that holds the key.

Exit codes:
  0    there is a key for the event
  1    there is none: a delivery would be dispatched
  2    wrong usage, or a server, bucket or table that cannot be used

Examples:
  latchkey show --bucket dedup billing '["/orders","42"]'
  latchkey show --bucket dedup billing 72d3162e-cc78-11e3-81ab-4c9367dc0958
  latchkey show --postgres postgres://db/app billing evt-1
  latchkey show --bucket dedup "$(latchkey key billing evt-1)" --json`;
