import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { dedupKeyMachine, deliveryMachine } from "../../../machines/index.ts";
import { toMermaid } from "../../../src/inspect/chart/mermaid.ts";
import { toSvg } from "../../../src/inspect/chart/svg.ts";
import { run } from "../support/fake-io.ts";

describe("latchkey draw", () => {
  it("prints the machine of a key as a Mermaid diagram", async () => {
    const picture = { exitCode: 0, out: toMermaid(dedupKeyMachine), err: "" };
    expect(await run(["draw"])).toMatchObject(picture);
    expect(await run(["draw", "dedup-key", "--mermaid"])).toMatchObject(picture);
  });

  it("prints the machine of a message", async () => {
    expect((await run(["draw", "delivery"])).out).toBe(toMermaid(deliveryMachine));
  });

  it("prints an SVG image", async () => {
    expect((await run(["draw", "delivery", "--svg"])).out).toBe(toSvg(deliveryMachine));
  });

  it("prints a configuration that creates the same machine", async () => {
    const { out } = await run(["draw", "delivery", "--json"]);
    const config: unknown = JSON.parse(out);
    expect(typeof config === "object" && config !== null && toMermaid(createMachine(config))).toBe(
      toMermaid(deliveryMachine),
    );
  });

  it.each([
    [["draw", "nothing"], "Allowed choices are dedup-key, delivery"],
    [["draw", "--json", "--mermaid"], "cannot be used with"],
    [["draw", "--svg", "--mermaid"], "cannot be used with"],
    [["draw", "--json", "--svg"], "cannot be used with"],
  ])("refuses %j", async (argv, sentence) => {
    const { exitCode, out, err } = await run(argv);
    expect([exitCode, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
  });
});
