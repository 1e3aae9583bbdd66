/** Text below the options of `latchkey check --help`, at most 80 columns wide. */
export const checkHelp = `
The module exports a function that starts a process of the service:
  export default (replica) => {
    const dedup = new Deduplicator(replica);
    return ({ event }) => dedup.guard({ subscriptionId: "s", eventId: event },
      (reservation) => replica.effect(event, reservation));
  };
It may export \`options\` too: the scope, and the world of checkHandler.

Exit codes:
  0    nothing is broken
  1    a run breaks a guarantee
  2    wrong usage, or a handler that cannot be imported or simulated
  130  interrupted

Examples:
  latchkey check ./handler.ts
  latchkey check ./handler.ts --runs 20000 --seed 7 --json
  latchkey check ./handler.ts --exhaust --preemptions 3
  latchkey check ./handler.ts --open
  latchkey check ./handler.ts --replay "0,0,2"`;
