import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

// The repository speaks of the project alone: nothing of the machine it was written on, nothing left for later.

const here = relative(process.cwd(), fileURLToPath(import.meta.url));
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  // In the bytes of a picture any word may stand.
  .filter((file) => file !== "" && file !== here && !file.endsWith(".png") && existsSync(file));

const LEFT_FOR_LATER = /\b(TODO|FIXME|XXX|HACK)\b/;
const FOREIGN = /\b(claude|anthropic|chatgpt|openai|copilot|subagent|language model)\b/i;

function linesWith(isForbidden: (line: string) => boolean): string[] {
  return files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, index) => (isForbidden(line) ? [`${file}:${index + 1}: ${line.slice(0, 200)}`] : [])),
  );
}

/** The hosts that packages come from here, asked of the machine. */
function packageHosts(): string[] {
  const registry = execFileSync("npm", ["config", "get", "registry"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const folder = "/etc/apt/sources.list.d";
  const sources = existsSync(folder)
    ? readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"))
    : [];
  const hosts = [registry, ...sources].join("\n").matchAll(/https?:\/\/(?:[^/@\s]*@)?(?<host>[^/\s]+)/g);
  return [...new Set([...hosts].map(({ groups }) => groups?.["host"] ?? ""))];
}

describe("no file of the repository", () => {
  it("is overlooked", () => {
    expect(files).toContain("package.json");
    expect(files).toContain("src/index.ts");
  });

  it("names the folder of this checkout", () => {
    expect(linesWith((line) => line.includes(process.cwd()))).toEqual([]);
  });

  it("names a host that packages come from", () => {
    const hosts = packageHosts();
    expect(hosts.length).toBeGreaterThan(0);
    expect(linesWith((line) => hosts.some((host) => line.includes(host)))).toEqual([]);
  });

  it("has a word that does not belong in it", () => {
    expect(linesWith((line) => LEFT_FOR_LATER.test(line) || FOREIGN.test(line))).toEqual([]);
  });
});
