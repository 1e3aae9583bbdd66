import { describe, it } from "vitest";
import { startNats } from "../support/nats-server.ts";
import { NEED_NATS } from "./needs.ts";
import { followReadme } from "./readme-run.ts";

describe.concurrent("the README of an example that needs NATS", () => {
  it.for(NEED_NATS)("works word for word: %s", async (name, { expect }) => {
    await using server = await startNats();
    const { printed, documented } = await followReadme(name, { NATS_URL: server.url });
    expect(documented.join("")).not.toBe("");
    expect(printed).toEqual(documented);
  });
});
