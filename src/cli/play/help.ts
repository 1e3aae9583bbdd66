/** Text below the options of `latchkey play --help`, at most 80 columns wide. */
export const playHelp = `
The simulation runs in the page. A link to a run works on every machine that
runs \`latchkey play --port\` with the same port.

Exit codes:
  0    ended by Ctrl-C
  2    wrong usage, or a port that cannot be used`;
