/** Text below the options of `latchkey dead --help`, at most 80 columns wide. */
export const deadHelp = `
Actions:
  list     the letters that match, oldest first
  show     letters by their numbers, with everything known about them
  redrive  publish the originals again, then remove the letters
  drop     remove letters for good
list, redrive and drop select letters by numbers, by filters, or with --all.

A redriven message has its own subject and identity. Its key is cleared first if
another payload was committed under the same id. A letter stays if its event has
since been dispatched, or is being dispatched. Repeat an interrupted redrive: it
loses nothing, and no event runs twice. All consumers of the stream receive the
message.

Exit codes:
  0    done
  1    you declined, or some letters stayed; show found no such letter
  2    wrong usage, or a server, stream or bucket that cannot be used
  130  interrupted

Examples:
  latchkey dead list --dead-letter dead.billing --reason max-deliver
  latchkey dead show 17 --dead-letter dead.billing --payload
  latchkey dead redrive 17 18 --dead-letter dead.billing --bucket dedup
  latchkey dead drop --dead-letter dead.billing --older-than 30d --yes`;
