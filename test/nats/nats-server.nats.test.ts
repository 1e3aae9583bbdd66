import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findNatsServer, fromReleases } from "../../scripts/nats-server.mjs";
import { listeningPort } from "../support/free-ports.ts";
import { natsBinary } from "../support/nats-binary.ts";

const run = promisify(execFile);
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "latchkey-find-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("the nats-server for the tests", () => {
  it("is the named one, without a fallback if that is missing or too old", async () => {
    const path = await natsBinary();
    expect(await findNatsServer({ env: { LATCHKEY_NATS_SERVER: path } })).toMatchObject({ path });
    const old = join(scratch, "old-server");
    await writeFile(old, "#!/bin/sh\necho nats-server: v2.10.27\n", { mode: 0o755 });
    for (const named of [old, join(scratch, "missing")]) {
      expect(await findNatsServer({ env: { LATCHKEY_NATS_SERVER: named, PATH: dirname(path) } })).toEqual({
        missing: expect.stringContaining(named),
      });
    }
  });

  it("is the one on the PATH if it is recent enough, or else the cached one", async () => {
    const path = await natsBinary();
    const [old, cache] = [join(scratch, "bin"), join(scratch, "cache")];
    await mkdir(join(cache, "unstable"), { recursive: true });
    await mkdir(old);
    await writeFile(join(old, "nats-server"), "#!/bin/sh\necho nats-server: v2.10.27\n", { mode: 0o755 });
    await copyFile(path, join(cache, "unstable", "nats-server"));
    expect(await findNatsServer({ env: { PATH: `${old}:${join(cache, "unstable")}` }, cache })).toMatchObject({
      source: "PATH",
    });
    expect(await findNatsServer({ env: { PATH: old }, cache })).toMatchObject({
      path: join(cache, "unstable", "nats-server"),
      source: "cache",
    });
  });

  it("is a release with the right checksum, which is cached", async ({ skip }) => {
    if (process.platform === "win32") skip("releases are unpacked with tar");
    const releases = await publish(await natsBinary());
    const cache = join(scratch, "fetched");
    const found = await fromReleases({ releases: releases.url, cache });
    expect(found.path.startsWith(cache)).toBe(true);
    expect(await findNatsServer({ env: { PATH: "" }, cache })).toMatchObject({ path: found.path, source: "cache" });
    releases.spoil();
    await expect(fromReleases({ releases: releases.url, cache })).rejects.toThrow("does not have the checksum");
    releases.close();
    await expect(fromReleases({ releases: releases.url, cache })).rejects.toThrow();
  });
});

/** Serves any requested release with this binary in it. */
async function publish(binary: string): Promise<{ url: string; spoil: () => void; close: () => void }> {
  let sums = "";
  let isSpoilt = false;
  const server = createServer((request, response) => {
    void (async () => {
      const name = request.url?.split("/").at(-1) ?? "";
      if (name === "SHA256SUMS")
        return response.end(isSpoilt ? sums.replaceAll(/[0-9a-f]{64}/g, "0".repeat(64)) : sums);
      const folder = name.replace(".tar.gz", "");
      await mkdir(join(scratch, folder), { recursive: true });
      await copyFile(binary, join(scratch, folder, "nats-server"));
      await run("tar", ["-czf", name, folder], { cwd: scratch });
      const archive = await readFile(join(scratch, name));
      sums = `0000  other.tar.gz\n${createHash("sha256").update(archive).digest("hex")}  ${name}\n`;
      return response.end(archive);
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${listeningPort(server)}`,
    spoil: () => {
      isSpoilt = true;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
