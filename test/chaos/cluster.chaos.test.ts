import { expect, it } from "vitest";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";

const FOR_MS = 100_000;
const seed = Number(process.env["LATCHKEY_SEED"]);

it("keeps all guarantees on three servers while servers and workers are killed, paused and disconnected", async () => {
  const campaign = await checkedCampaign("ci", { seed, forMs: FOR_MS });
  console.log(
    `${campaign.report}\nThe same faults and load: npm run chaos -- --minutes ${FOR_MS / 60_000} --seed ${seed}`,
  );
  expect(campaign.violations, `histories and logs are in ${campaign.folder}`).toEqual([]);
  deleteLogs(campaign);
});
