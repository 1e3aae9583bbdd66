import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Account, type CampaignOptions, campaign } from "./campaign.ts";
import { findingLines, table } from "./report.ts";
import { tallyOf } from "./tally.ts";
import { type Finding, judge } from "./verdict.ts";

const cache = resolve(import.meta.dirname, "../../.cache/chaos");

export interface Outcome {
  readonly account: Account;
  readonly findings: readonly Finding[];
  /** What there was, as a table, and what must not have happened. */
  readonly report: string;
  /** Where histories and logs are, until {@link discard}. */
  readonly folder: string;
}

/** A campaign, and what is to be said of it. Should it not come to its end, all that was written down stays where it is. */
export async function expedition(name: string, options: Omit<CampaignOptions, "folder">): Promise<Outcome> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, `${name}-${options.seed}-`));
  const { account, evidence } = await campaign({ ...options, folder });
  const findings = judge(account, evidence);
  const report = `${table(account, tallyOf(account, evidence), findings)}\n${findingLines(findings)}`.trimEnd();
  writeFileSync(join(folder, "report.txt"), `${report}\n`);
  return { account, findings, report, folder };
}

export function discard({ folder }: Outcome): void {
  rmSync(folder, { recursive: true, force: true });
}
