import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { formatHistory } from "../../../src/history/history-text.ts";
import { FakeIo, run } from "../support/fake-io.ts";

const text = formatHistory([
  { type: "history", version: 1, clock: "simulated" },
  { type: "delivered", process: "replica-1", atMs: 0, event: "evt-1", delivery: 1 },
]);

let directory: string;
let path: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "latchkey-run-"));
  path = join(directory, 'run "1" <b>.ndjson');
  await writeFile(path, text);
});
afterAll(() => rm(directory, { recursive: true }));

/** Opens the file without any server, and ends the command after `use`. */
async function opened(use: (url: string) => Promise<void>): Promise<FakeIo> {
  const io = new FakeIo({ env: {} });
  const running = runCli(["inspect", "--file", path], io);
  await io.err.until("Press Ctrl-C");
  try {
    await use(io.out.text.trim());
  } finally {
    io.interrupt();
  }
  expect(await running).toBe(0);
  return io;
}

describe("latchkey inspect --file", () => {
  it("serves the page and the run on loopback, without a NATS server", async () => {
    const io = await opened(async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      const page = await fetch(url);
      expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(await page.text()).toContain('content="run &#34;1&#34; &#60;b&#62;.ndjson"');
      expect(await (await fetch(new URL("api/run", url))).text()).toBe(text);
    });
    expect(io.err.text).toContain("step through run");
    expect(io.listeners).toBe(0);
  });

  it("refuses other sites, methods and addresses", async () => {
    await opened(async (url) => {
      const run = new URL("api/run", url);
      const status = async (to: URL, init: RequestInit): Promise<number> => (await fetch(to, init)).status;
      expect(await status(run, { headers: { origin: "https://evil.example" } })).toBe(403);
      expect(await status(run, { method: "POST" })).toBe(405);
      expect(await status(new URL("api/feed", url), {})).toBe(404);
    });
  });

  it.each([
    ["a file that does not exist", ["--file", "/nowhere/run.ndjson"], "Cannot read"],
    ["a file that is no run", ["--file", "package.json"], "is not a recorded run: "],
    ["a bucket as well", ["--file", "run.ndjson", "--bucket", "dedup"], "cannot be used with option '--bucket <name>'"],
    ["another address", ["--file", "run.ndjson", "--host", "0.0.0.0"], "cannot be used with option '--host <address>'"],
  ])("refuses %s", async (_, argv, sentence) => {
    expect(await run(["inspect", ...argv])).toMatchObject({ exitCode: 2, err: expect.stringContaining(sentence) });
  });

  it("reports a port that is in use", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const { exitCode, err } = await run(["inspect", "--file", path, "--port", port]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`Cannot listen at 127.0.0.1, port ${port}`)]);
    await new Promise((resolve) => taken.close(resolve));
  });
});
