/** Text below the options of `latchkey demo --help`, at most 80 columns wide. */
export const demoHelp = `
Exit codes:
  0    no event was lost, and none was dispatched again after its commit
  1    a guarantee was violated
  2    wrong usage, or a server that cannot be used
  130  interrupted`;
