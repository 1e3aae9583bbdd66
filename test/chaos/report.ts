import type { Account, Progress } from "./campaign.ts";
import type { Tally } from "./tally.ts";
import type { Finding } from "./verdict.ts";

/** How far a campaign is, in one line. */
export function progressLine({ sinceMs, published, unacknowledged, faults }: Progress, ofMs: number): string {
  const all = [...faults.values()].reduce((sum, times) => sum + times, 0);
  const left = unacknowledged === undefined ? "the cluster is out of reach" : `${unacknowledged} not acknowledged yet`;
  return `${minutes(sinceMs)} of ${minutes(ofMs)}: ${published} events published, ${left}, ${all} faults`;
}

/** What there was, as a table for a person to read. */
export function table(account: Account, tally: Tally, findings: readonly Finding[]): string {
  const rows = [
    ...tally,
    ...[...account.faults].sort().map(([kind, times]) => [`fault: ${kind}`, times] as const),
    ["violations", findings.length] as const,
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, count]) => `${name.padEnd(width)}  ${count.toLocaleString("en").padStart(9)}`).join("\n");
}

const SHOWN = 30;

/** What must not have happened, one line each. */
export function findingLines(findings: readonly Finding[]): string {
  const shown = findings.slice(0, SHOWN).map(({ rule, what }) => `${rule}: ${what}`);
  const more = findings.length > SHOWN ? [`… and ${findings.length - SHOWN} more`] : [];
  return [...shown, ...more].join("\n");
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
