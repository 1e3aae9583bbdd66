import { expect, it } from "vitest";
import { startNats } from "../support/nats-server.ts";
import { runServiceCampaign } from "./service-campaign.ts";

it("the example webhook-service runs every event once through four rounds of kills and restarts", async () => {
  await using server = await startNats();
  const events = 1_200;
  expect(await runServiceCampaign(server, { events, rounds: 4 })).toEqual({ runs: events, events, deadLetters: 0 });
});
