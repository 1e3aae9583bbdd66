import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { anchorsOf, linksOf, typeScriptBlocks } from "./markdown.ts";

const documents = [
  "README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const textOf = (document: string): string => readFileSync(document, "utf8");

/** Inside the repository, so that the blocks find the packages that they import. */
const folder = ".cache/docs";
/** A block that does not compile, so that a check which finds nothing is found out. */
const CONTROL = "control.ts";

const blocks = documents.flatMap((document) =>
  typeScriptBlocks(textOf(document)).map((block) => ({
    ...block,
    where: `${document}:${block.line}`,
    // Worked examples import each other by their names.
    file: block.example ?? `${basename(document, ".md")}-${block.line}.ts`,
  })),
);

describe("every TypeScript block of the documentation", () => {
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
    const printed = await promisify(execFile)(process.execPath, ["node_modules/typescript/bin/tsc", "-p", folder]).then(
      () => "",
      (error: unknown) => (error instanceof Error && "stdout" in error ? String(error.stdout) : String(error)),
    );
    for (const line of printed.split("\n").filter((one) => one !== "")) {
      const file = basename(line.split("(")[0] ?? "");
      errors.set(file, [...(errors.get(file) ?? []), line]);
    }
  });

  it("is really checked: a wrong one is found", () => {
    expect(errors.get(CONTROL)?.join("\n")).toMatch(/TS2322/);
  });

  it("is found: there are some in the README", () => {
    expect(blocks.filter(({ where }) => where.startsWith("README.md")).length).toBeGreaterThan(1);
  });

  it.each(blocks)("compiles: $where", ({ file }) => {
    expect(errors.get(file) ?? []).toEqual([]);
  });

  it("is the only thing that the compiler complains about", () => {
    const known = new Set([CONTROL, ...blocks.map(({ file }) => file)]);
    expect([...errors].filter(([file]) => !known.has(file)).flatMap(([, lines]) => lines)).toEqual([]);
  });
});

describe("every relative link", () => {
  it.each(documents)("of %s leads somewhere", (document) => {
    const broken = linksOf(textOf(document)).filter(
      (link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(document, link),
    );
    expect(broken).toEqual([]);
  });

  it("is really checked: wrong ones are found", () => {
    const links = linksOf("[a](nowhere.md) ![b](./no.png) [c](#no-such-heading)\n```ts\nx[0](y)\n```\n");
    expect(links).toEqual(["nowhere.md", "./no.png", "#no-such-heading"]);
    for (const link of links) expect(leadsSomewhere("README.md", link)).toBe(false);
    expect(leadsSomewhere("README.md", "LICENSE")).toBe(true);
  });
});

function leadsSomewhere(document: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document : join(dirname(document), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(textOf(target)).includes(anchor);
}

/** The blocks import the package by its name; that is the source here, so that no build is needed. */
function projectOfBlocks(): unknown {
  return {
    extends: "../../tsconfig.json",
    compilerOptions: {
      paths: {
        latchkey: ["../../src/index.ts"],
        "latchkey/machines": ["../../machines/index.ts"],
        "latchkey/*": ["../../src/*/index.ts"],
      },
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: ["*.ts"],
  };
}
