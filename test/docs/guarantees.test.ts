import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mutants } from "../model/mutants.ts";
import { engineBugs } from "../properties/bugs/engine.ts";
import { machineBugs } from "../properties/bugs/machine.ts";
import { storeBugs } from "../properties/bugs/store.ts";
import { repositoryPaths } from "./commands.ts";
import { linksOf } from "./markdown.ts";

const FOLDER = "docs/guarantees";
const pages = readdirSync(FOLDER).map((file) => {
  const guarantee = /^g(?<number>\d+)-/.exec(file)?.groups?.["number"] ?? "";
  return { file, guarantee: `G${guarantee}`, text: readFileSync(join(FOLDER, file), "utf8") };
});

function bugsOf(guarantee: string): readonly string[] {
  const named = [...mutants, ...machineBugs, ...engineBugs, ...storeBugs].filter(({ breaks }) => breaks === guarantee);
  return [...new Set(named.map(({ name }) => name))].toSorted();
}

/** Returns the page with the current names of the bugs between its markers. */
function withBugs(text: string, guarantee: string): string {
  const list = bugsOf(guarantee).map((name) => `- ${name}\n`);
  return text.replace(/(?<=<!-- bugs:G\d+ -->\n)[\s\S]*?(?=<!-- \/bugs -->)/, () => `\n${list.join("")}\n`);
}

describe("the page of a guarantee", () => {
  it("exists for each of the twelve guarantees", () => {
    const numbers = pages.map(({ guarantee }) => Number(guarantee.slice(1)));
    expect(numbers.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  it.each(pages)("has the sections that a reader looks for: $file", ({ guarantee, text }) => {
    expect(text).toMatch(new RegExp(`^# ${guarantee} \\S`));
    for (const section of ["Faults", "How it is proved", "Planted bugs", "See it"])
      expect(text).toContain(`\n## ${section}\n`);
    expect(text).toContain(`-t "${guarantee}\\b"`);
  });

  it.each(pages)("names only tests that carry its number: $file", ({ guarantee, text }) => {
    const table = /^## How it is proved$(?<section>[\s\S]*?)^## /m.exec(text)?.groups?.["section"] ?? "";
    const files = repositoryPaths(table);
    expect(files.length).toBeGreaterThan(0);
    const number = new RegExp(`${guarantee}\\b`);
    expect(files.filter((file) => !number.test(readFileSync(file, "utf8")))).toEqual([]);
  });

  it.each(pages)("lists the bugs that are planted; if not, run with -u: $file", async ({ file, guarantee, text }) => {
    // The bugs of G11 and G12 are planted in effects, not in the protocol: docs/planted-bugs.md lists them.
    if (!["G11", "G12"].includes(guarantee)) expect(bugsOf(guarantee).length).toBeGreaterThan(0);
    await expect(withBugs(text, guarantee)).toMatchFileSnapshot(join("../..", FOLDER, file));
  });

  it("is linked from the overview and from the README", () => {
    const overview = linksOf(readFileSync("docs/guarantees.md", "utf8"));
    const readme = linksOf(readFileSync("README.md", "utf8"));
    for (const { file } of pages) {
      expect(overview).toContain(`guarantees/${file}`);
      expect(readme).toContain(`docs/guarantees/${file}`);
    }
  });
});
