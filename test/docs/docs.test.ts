import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { documents, textOf } from "./documents.ts";
import { anchorsOf, linksOf, typeScriptBlocks } from "./markdown.ts";

/** Inside the repository, so that the blocks find the packages they import. */
const folder = ".cache/docs";
/** A block that does not compile: shows that the check can fail. */
const CONTROL = "control.ts";

const blocks = documents.flatMap((document) =>
  typeScriptBlocks(textOf(document)).map((block) => ({
    ...block,
    where: `${document}:${block.line}`,
    // Worked examples import each other by their names.
    file: block.example ?? `${basename(document, ".md")}-${block.line}.ts`,
  })),
);

describe("a TypeScript block of the documentation", () => {
  const errors = new Map<string, string[]>();

  beforeAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, CONTROL),
      `import { dedupKey } from "latchkey";\nexport const key: number = dedupKey("s", "e");\n`,
    );
    for (const { file, code, prelude } of blocks)
      await writeFile(join(folder, file), `${code}${prelude}\nexport {};\n`);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(projectOfBlocks()));
    const printed = await promisify(execFile)(process.execPath, [
      "node_modules/typescript-7/bin/tsc",
      "-p",
      folder,
    ]).then(
      () => "",
      (error: unknown) => (error instanceof Error && "stdout" in error ? String(error.stdout) : String(error)),
    );
    for (const line of printed.split("\n").filter((one) => one !== "")) {
      const file = basename(line.split("(")[0] ?? "");
      errors.set(file, [...(errors.get(file) ?? []), line]);
    }
  });

  it("fails the check if it does not compile", () => {
    expect(errors.get(CONTROL)?.join("\n")).toMatch(/TS2322/);
  });

  it("is found in the README", () => {
    expect(blocks.filter(({ where }) => where.startsWith("README.md")).length).toBeGreaterThan(1);
  });

  it.each(blocks)("compiles: $where", ({ file }) => {
    expect(errors.get(file) ?? []).toEqual([]);
  });

  it("accounts for every error of the compiler", () => {
    const known = new Set([CONTROL, ...blocks.map(({ file }) => file)]);
    expect([...errors].filter(([file]) => !known.has(file)).flatMap(([, lines]) => lines)).toEqual([]);
  });
});

describe("a stream of the documentation", () => {
  /** Definitions in one line. The stream of scheduled retries has a block of its own, which says that it replaces another. */
  const definition = /streams\.add\((\{ name: "(EVENTS|DEAD)".*?\})\)/g;
  const programs = readdirSync("examples", { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes("node_modules"))
    .map((path) => join("examples", path));

  it("has the same definition everywhere, so that a reader can follow two pages on one server", () => {
    const found = [...documents, ...programs].flatMap((path) =>
      [...textOf(path).matchAll(definition)].map(([, one]) => one),
    );
    expect(found.length).toBeGreaterThan(6);
    expect(new Set(found).size).toBe(2);
  });
});

describe("an idempotency key in the documentation", () => {
  /** The dedup key does not contain the tenant, so tenants with equal event ids would share it downstream. */
  const dedupKeySent = /\bidempotencyKey: \w*[rR]eservation\.key\b/g;

  it.each(documents)("is scoped to the tenant: %s", (document) => {
    expect(textOf(document).match(dedupKeySent) ?? []).toEqual([]);
  });

  it("fails the check if it is the dedup key", () => {
    expect("{ idempotencyKey: reservation.key, signal }").toMatch(dedupKeySent);
    expect("{ idempotencyKey: reservation.idempotencyKey }").not.toMatch(dedupKeySent);
  });
});

describe("the links of the documentation", () => {
  it.each(documents)("lead somewhere if they are relative: %s", (document) => {
    const broken = linksOf(textOf(document)).filter(
      (link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(document, link),
    );
    expect(broken).toEqual([]);
  });

  it("fail the check if they lead nowhere", () => {
    const links = linksOf("[a](nowhere.md) ![b](./no.png) [c](#no-such-heading)\n```ts\nx[0](y)\n```\n");
    expect(links).toEqual(["nowhere.md", "./no.png", "#no-such-heading"]);
    for (const link of links) expect(leadsSomewhere("README.md", link)).toBe(false);
    expect(leadsSomewhere("README.md", "LICENSE")).toBe(true);
  });

  it("name one home of the project, the one in package.json", () => {
    const manifest: { repository: { url: string } } = JSON.parse(textOf("package.json"));
    const home = manifest.repository.url.replace(/^git\+|\.git$/g, "");
    const forms = readdirSync(".github/ISSUE_TEMPLATE").map((name) => `.github/ISSUE_TEMPLATE/${name}`);
    const homes = ["package.json", ...documents, ...forms].flatMap(
      (file) => textOf(file).match(/https:\/\/github\.com\/[\w-]+\/latchkey\b/g) ?? [],
    );
    expect(new Set(homes)).toEqual(new Set([home]));
  });

  it("reach every page of docs from the index, or from the page above its folder", () => {
    const targets = (page: string): string[] =>
      linksOf(textOf(page)).map((link) => join(dirname(page), link.split("#")[0] ?? ""));
    const pages = documents.filter((document) => document.startsWith("docs/") && document !== "docs/index.md");
    const above = (page: string): string => (dirname(page) === "docs" ? "docs/index.md" : `${dirname(page)}.md`);
    expect(pages.filter((page) => !targets(above(page)).includes(page))).toEqual([]);
  });
});

function leadsSomewhere(document: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : join(dirname(document), path);
  // Generated pages are missing in a fresh clone. The test of the site follows links to them.
  if (target.startsWith("docs/api/")) return true;
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(textOf(target)).includes(anchor);
}

/** The blocks import the package by its name; here that is the source, so no build is needed. */
function projectOfBlocks(): unknown {
  return {
    extends: "../../tsconfig.json",
    compilerOptions: {
      paths: {
        latchkey: ["../../src/index.ts"],
        "latchkey/machines": ["../../machines/index.ts"],
        "latchkey/*": ["../../src/*/index.ts"],
      },
      experimentalDecorators: true, // Nest's
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: ["*.ts"],
  };
}
