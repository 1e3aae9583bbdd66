/** Text below the options of `latchkey reshard --help`, at most 80 columns wide. */
export const reshardHelp = `
Stop every replica first. While the command runs, no replica can start, and one
that still runs cannot write.

Steps: check that no reservation exists; close the old buckets; create the new
ones, with higher fences; copy every committed key with its remaining window;
verify the copy; open the new buckets. If the command is interrupted or fails,
repeat it to finish. Before the new buckets are open, --to <old number> takes
it back. Run only one at a time.

The old buckets are kept, closed to replicas. --delete-old deletes them; repeat
the command with it to delete them later.

Exit codes:
  0    the keys are in <n> shards; or a dry run found nothing in the way
  1    refused, and nothing is changed: reservations exist, for example; or
       stopped halfway, and the message says what to do
  2    wrong usage, or a server or bucket that cannot be used
  130  interrupted

Examples:
  latchkey reshard --bucket dedup --to 8 --dry-run
  latchkey reshard --bucket dedup --to 8
  latchkey reshard --bucket dedup --to 8 --delete-old`;
