import { expect, it } from "vitest";
import { errorsIn, runEffectsCampaign } from "./effects-campaign.ts";
import { booksText } from "./effects-report.ts";

const seed = Number(process.env["LATCHKEY_SEED"]);

it("G11 moves money once for each event while workers die, leases lapse, and the bucket is deleted and restored", async () => {
  const books = await runEffectsCampaign({ seed, events: 1_000, kills: 20, workers: 3, servers: 1 });
  console.log(booksText(books));
  expect(errorsIn(books)).toEqual([]);
  expect(books.kills).toBeGreaterThan(10);
  expect(books.plainRepetitions, "no fault fell between an effect and its commit").toBeGreaterThan(0);
});
