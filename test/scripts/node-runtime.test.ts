import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeOf, nodeOfAtLeast } from "../../scripts/node-runtime.mjs";

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "latchkey-node-"));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

/** A program in the place of npm, whose package contains a Node that prints `version`. */
async function fakeNpm({ version, published }: { version: string; published: string }): Promise<string> {
  const npm = join(scratch, "npm");
  const script = `#!/bin/sh
if [ "$1" = view ]; then echo "${published}"; exit; fi
mkdir -p package/bin
printf '#!/bin/sh\\necho ${version}\\n' > package/bin/node
tar -czf "$5/node.tgz" package
echo '[{"filename":"node.tgz","version":"${version.slice(1)}","integrity":"sha512-downloaded"}]'
`;
  await writeFile(npm, script, { mode: 0o755 });
  return npm;
}

describe.skipIf(process.platform === "win32")("a Node runtime", () => {
  it("is this process's if its version suffices", async () => {
    expect(await nodeOfAtLeast(Number.parseInt(process.versions.node, 10))).toMatchObject({ path: process.execPath });
  });

  it("is fetched from npm once, and then comes from the cache", async () => {
    const cache = join(scratch, "cache");
    const npm = await fakeNpm({ version: "v99.1.0", published: "sha512-downloaded" });
    const path = join(cache, "99", "node");
    expect(await nodeOf(99, { cache, npm })).toMatchObject({ path, version: "99.1.0" });
    expect(await nodeOf(99, { cache, npm: join(scratch, "missing") })).toMatchObject({ path, source: "cache" });
  });

  it("is refused if the downloaded file differs from the published one", async () => {
    const cache = join(scratch, "cache");
    const npm = await fakeNpm({ version: "v99.1.0", published: "sha512-published" });
    await expect(nodeOf(99, { cache, npm })).rejects.toThrow("integrity sha512-published, got sha512-downloaded");
    expect(existsSync(join(cache, "99"))).toBe(false);
  });

  it("is refused if its binary is of another version", async () => {
    const npm = await fakeNpm({ version: "v98.0.0", published: "sha512-downloaded" });
    await expect(nodeOf(99, { cache: join(scratch, "cache"), npm })).rejects.toThrow("does not run here as Node 99");
  });
});
