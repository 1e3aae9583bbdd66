import { expect, it } from "vitest";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";

const FOR_MS = 50_000;
const seed = Number(process.env["LATCHKEY_SEED"]);

it("keeps all guarantees on three servers while servers and workers fail and operators act", async () => {
  const campaign = await checkedCampaign("ci", { seed, forMs: FOR_MS });
  console.log(`${campaign.report}\nThe faults follow from the seed ${seed}.`);
  expect(campaign.violations, `histories and logs are in ${campaign.folder}`).toEqual([]);
  deleteLogs(campaign);
});
