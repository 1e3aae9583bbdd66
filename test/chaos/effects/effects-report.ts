import { type EffectsBooks, errorsIn } from "./effects-campaign.ts";

/** Formats the books of a campaign. */
export function booksText(books: EffectsBooks): string {
  const { events, effects, differentEffects, cents, markers, receipts, differentReceipts } = books;
  const { plainRepetitions, kills, failpoints, seconds } = books;
  const rows: ReadonlyArray<readonly [string, number | string]> = [
    ["events", events],
    ["processes killed", kills],
    ...Object.entries(failpoints).map(([at, count]) => [`  ${at}`, count] as const),
    ["effects committed", effects],
    ["  of different events", differentEffects],
    ["sum of the balances, in cents", cents],
    ["markers", markers],
    ["messages published", receipts],
    ["  of different events", differentReceipts],
    ["repetitions of a handler without a marker", plainRepetitions],
    ["seconds", seconds],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`);
  const errors = errorsIn(books);
  return [...lines, errors.length === 0 ? "✓ each effect once" : `✗ ${errors.join("; ")}`].join("\n");
}
