/** Text below the options of `latchkey draw --help`, at most 80 columns wide. */
export const drawHelp = `
Examples:
  latchkey draw > dedup-key.mmd
  latchkey draw delivery --svg > delivery.svg
  latchkey draw delivery --json | jq .states.guarded`;
