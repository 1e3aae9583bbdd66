import { describe, expect, it } from "vitest";
import { startNats } from "../support/nats-server.ts";
import { runServiceCampaign } from "./service-campaign.ts";

describe("the example webhook-service", () => {
  it("runs every event once although consumers are killed and the broker restarts", async () => {
    await using server = await startNats();
    const events = 60;
    expect(await runServiceCampaign(server, { events, rounds: 1 })).toEqual({ runs: events, events, deadLetters: 0 });
  });
});
