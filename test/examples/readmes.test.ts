import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { stepsOf } from "./readme.ts";
import { followReadme } from "./readme-run.ts";

const examples = readdirSync("examples", { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Examples of other runtimes, which `npm run test:runtimes` runs. */
const OTHER_RUNTIMES = ["webhook-bun", "webhook-deno"];

describe.concurrent("the README of an example", () => {
  it.for(examples.filter((name) => !OTHER_RUNTIMES.includes(name)))(
    "works word for word: %s",
    async (name, { expect }) => {
      const { printed, documented } = await followReadme(name);
      expect(documented.length).toBeGreaterThan(0);
      expect(printed).toEqual(documented);
    },
  );
});

describe("the list of examples", () => {
  const index = readFileSync("examples/README.md", "utf8");

  it.each(examples)("contains %s", (name) => {
    expect(index).toContain(`[${name}](${name}/README.md)`);
  });
});

describe("the steps of a README", () => {
  it("are its shell blocks, with the output that follows at once", () => {
    const readme = "```sh\nserve\n```\n\nText.\n\n```sh\nsend\n```\n\n```text\nsent\n```\n";
    expect(stepsOf(readme)).toEqual([
      { command: "serve\n", output: undefined },
      { command: "send\n", output: "sent\n" },
    ]);
  });
});
