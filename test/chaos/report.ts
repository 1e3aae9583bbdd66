import type { CampaignTotals, Progress } from "./campaign.ts";
import type { Violation } from "./judge.ts";
import type { Statistics } from "./statistics.ts";

/** Formats the progress of a campaign as one line. */
export function progressLine({ sinceMs, published, unacknowledged, faults }: Progress, ofMs: number): string {
  const all = [...faults.values()].reduce((sum, times) => sum + times, 0);
  const left = unacknowledged === undefined ? "the cluster does not answer" : `${unacknowledged} not yet acknowledged`;
  return `${minutes(sinceMs)} of ${minutes(ofMs)}: ${published} events published, ${left}, ${all} faults`;
}

/** Formats the statistics as a table. */
export function table(totals: CampaignTotals, statistics: Statistics, violations: readonly Violation[]): string {
  const rows = [
    ...statistics,
    ...[...totals.faults].sort().map(([kind, times]) => [`fault: ${kind}`, times] as const),
    ["violations", violations.length] as const,
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, count]) => `${name.padEnd(width)}  ${count.toLocaleString("en").padStart(9)}`).join("\n");
}

const SHOWN = 30;

/** Formats the violations, one a line. */
export function violationLines(violations: readonly Violation[]): string {
  const shown = violations.slice(0, SHOWN).map(({ rule, what }) => `${rule}: ${what}`);
  const more = violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more`] : [];
  return [...shown, ...more].join("\n");
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
