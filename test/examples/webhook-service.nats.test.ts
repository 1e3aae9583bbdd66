import { describe, it } from "vitest";
import { startNats } from "../support/nats-server.ts";
import { followReadme } from "./readme-run.ts";
import { runServiceCampaign } from "./service-campaign.ts";

describe.concurrent("the example webhook-service", () => {
  it("has a README that works word for word", async ({ expect }) => {
    await using server = await startNats();
    const { printed, documented } = await followReadme("webhook-service", { NATS_URL: server.url });
    expect(printed).toEqual(documented);
  });

  it("runs every event once although consumers are killed and the broker restarts", async ({ expect }) => {
    await using server = await startNats();
    const events = 60;
    expect(await runServiceCampaign(server, { events, rounds: 1 })).toEqual({ runs: events, events, deadLetters: 0 });
  });
});
