/** Text below the options of `latchkey raise-fences --help`, at most 80 columns wide. */
export const raiseFencesHelp = `
A bucket that was restored from a backup continues with the revisions of the
backup. So fences repeat, and a receiver that refuses lower fences refuses good
attempts. This command raises all later fences. It changes one entry in the
metadata of each stream, and no key.

Stop every replica first, and start them afterwards. One that still runs
reserves no more keys.

Fences begin above the highest of: the last revision of the bucket, the clocks
of this machine and of the server in microseconds, and --above. Give --above if
you know a higher fence, for example from a replica's error, or from
  select max(fence) from latchkey.effects

Exit codes:
  0  the fences are raised
  2  wrong usage, or a server or bucket that cannot be used

Examples:
  latchkey raise-fences --bucket dedup
  latchkey raise-fences --bucket dedup --above 1796012658766394`;
