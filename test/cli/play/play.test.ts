import { hash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { build } from "vite";
import { describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { handlers } from "../../../src/cli/play/page/handlers.ts";
import { fragmentOf, linkIn } from "../../../src/cli/play/page/link.ts";
import { playSchedule } from "../../../src/cli/play/page/simulation.ts";
import { sha256InJavaScript } from "../../../src/internal/sha256.ts";
import { FakeIo, run } from "../support/fake-io.ts";

function handlerNamed(id: string) {
  return handlers.find((one) => one.id === id) ?? expect.fail(`there is no handler ${id}`);
}

describe("latchkey play", () => {
  it("serves one page on loopback until Ctrl-C", async () => {
    const io = new FakeIo();
    const running = runCli(["play"], io);
    await io.err.until("Ctrl-C");
    const url = io.out.text.trim();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await fetch(url, { headers: { connection: "close" } });
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await fetch(`${url}other`, { headers: { connection: "close" } })).status).toBe(404);
    io.interrupt();
    expect(await running).toBe(0);
    expect(io.listeners).toBe(0);
  });

  it("refuses a port that is not one", async () => {
    expect(await run(["play", "--port", "70000"])).toMatchObject({ exitCode: 2 });
  });
});

describe("the page of latchkey play", () => {
  it("is one file without Node's modules", { timeout: 60_000 }, async () => {
    const outDir = await mkdtemp(join(tmpdir(), "latchkey-play-"));
    try {
      await build({ configFile: "vite.page.config.ts", mode: "play", build: { outDir } });
      const html = await readFile(join(outDir, "play.html"), "utf8");
      expect(html).not.toMatch(/from\s*"node:|require\(|__vite-browser-external/);
      expect(html).toContain('<script type="module">');
    } finally {
      await rm(outDir, { recursive: true });
    }
  });

  it("hashes as Node does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        expect(sha256InJavaScript(text, "hex")).toBe(hash("sha256", text, "hex"));
        expect(sha256InJavaScript(text, "base64url")).toBe(hash("sha256", text, "base64url"));
      }),
    );
  });

  it("shows what can happen next, and what has happened", async () => {
    const start = await playSchedule(handlerNamed("latchkey"), []);
    expect(start.possible.map(({ label }) => label)).toContain("E1 is delivered to R1");
    expect(start.state).toBe("unseen");
    const reserved = await playSchedule(handlerNamed("latchkey"), [0, 0]);
    expect(reserved).toMatchObject({ state: "reserved", violations: [] });
    expect([...reserved.store.values()]).toEqual(["E1: reserved by R1, revision 1"]);
  });

  it.each(handlers.filter(({ id }) => id === "get-then-put" || id === "pending-is-duplicate"))(
    "shows the violation of the handler $id",
    async (handler) => {
      const played = await playSchedule(handler, [0, 0, 2, ...Array.from({ length: 12 }, () => 0)]);
      expect(played.violations).not.toEqual([]);
      expect(played.possible).toEqual([]);
    },
  );

  it.each(handlers)("has an example of the handler $id that shows what it is about", async (handler) => {
    let schedule = handler.example;
    let played = await playSchedule(handler, schedule);
    while (played.possible.length > 0 && schedule.length < 40) {
      schedule = [...schedule, 0];
      played = await playSchedule(handler, schedule);
    }
    expect(played.possible).toEqual([]);
    if (handler.id !== "latchkey") expect(played.violations).not.toEqual([]);
    else {
      expect(played.violations).toEqual([]);
      const texts = played.rows.map(({ process, text }) => `${process}: ${text}`);
      expect(texts).toEqual(
        expect.arrayContaining([
          "R1: dies",
          "R2: nak: pending",
          expect.stringMatching(/^R2: commit/),
          "R2: acknowledged: duplicate",
        ]),
      );
    }
  });

  it("repeats a run from its link", () => {
    const link = { handler: "get-then-put", schedule: [0, 0, 2] };
    expect(fragmentOf(link)).toBe("#get-then-put=0,0,2");
    expect(linkIn("#get-then-put=0,0,2", handlers)).toEqual(link);
    expect(linkIn("#get-then-put=x", handlers)).toEqual({ handler: "get-then-put", schedule: [] });
    expect(linkIn("#unknown=0", handlers)).toEqual({ handler: "latchkey", schedule: [] });
  });
});
