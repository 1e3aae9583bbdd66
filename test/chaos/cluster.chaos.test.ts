import { expect, it } from "vitest";
import { discard, expedition } from "./expedition.ts";

const FOR_MS = 100_000;
const seed = Number(process.env["LATCHKEY_SEED"]);

it("all guarantees hold on a cluster of three while servers and workers are killed, stopped and parted", async () => {
  const outcome = await expedition("ci", { seed, forMs: FOR_MS });
  console.log(
    `${outcome.report}\nThe same faults and load: npm run chaos -- --minutes ${FOR_MS / 60_000} --seed ${seed}`,
  );
  expect(outcome.findings, `histories and logs are in ${outcome.folder}`).toEqual([]);
  discard(outcome);
});
