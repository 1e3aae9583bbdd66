import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { History } from "../../src/history/history.ts";
import { type CampaignOptions, type CampaignTotals, runCampaign } from "./campaign.ts";
import { judge, type Violation } from "./judge.ts";
import { table, violationLines } from "./report.ts";
import { statisticsOf } from "./statistics.ts";

const cache = resolve(import.meta.dirname, "../../.cache/chaos");

export interface CheckedCampaign {
  readonly violations: readonly Violation[];
  /** Statistics as a table, and the violations. */
  readonly report: string;
  readonly totals: CampaignTotals;
  readonly history: History;
  /** Folder with histories and logs, until {@link deleteLogs}. */
  readonly folder: string;
}

/** Runs a campaign and judges it. If the campaign fails, its histories and logs stay in the folder. */
export async function checkedCampaign(
  name: string,
  options: Omit<CampaignOptions, "folder">,
): Promise<CheckedCampaign> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, `${name}-${options.seed}-`));
  const { totals, logs } = await runCampaign({ ...options, folder });
  const violations = judge(totals, logs);
  const report = `${table(totals, statisticsOf(totals, logs), violations)}\n${violationLines(violations)}`.trimEnd();
  writeFileSync(join(folder, "report.txt"), `${report}\n`);
  return { violations, report, totals, history: logs.history, folder };
}

export function deleteLogs({ folder }: CheckedCampaign): void {
  rmSync(folder, { recursive: true, force: true });
}
