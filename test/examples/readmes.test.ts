import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NEED_NATS, NEED_POSTGRES, RUN_ELSEWHERE } from "./needs.ts";
import { stepsOf } from "./readme.ts";
import { followReadme } from "./readme-run.ts";

const examples = readdirSync("examples", { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const elsewhere: ReadonlySet<string> = new Set([...NEED_NATS, ...NEED_POSTGRES, ...RUN_ELSEWHERE]);

describe.concurrent("the README of an example", () => {
  it.for(examples.filter((name) => !elsewhere.has(name)))("works word for word: %s", async (name, { expect }) => {
    const { printed, documented } = await followReadme(name);
    expect(documented.join("")).not.toBe("");
    expect(printed).toEqual(documented);
  });
});

describe("the list of examples", () => {
  const index = readFileSync("examples/README.md", "utf8");

  it.each(examples)("contains %s", (name) => {
    expect(index).toContain(`[${name}](${name}/README.md)`);
  });
});

describe("the steps of a README", () => {
  it("are its shell blocks and what they print", () => {
    const readme =
      "```sh\nserve\n```\n\nText.\n\n```sh\nsend\n```\n\n```text\nsent\n```\n\n```text server\ngot\n```\n\n```text\nno step\n```\n";
    expect(stepsOf(readme)).toEqual([{ start: "serve\n" }, { run: "send\n", output: "sent\n" }, { printed: "got\n" }]);
  });
});
