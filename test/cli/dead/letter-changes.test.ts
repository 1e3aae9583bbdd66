import { describe, expect, it } from "vitest";
import { letterCard } from "../../../src/cli/dead/letter-card.ts";
import { type ChangeFlags, LetterChanges } from "../../../src/cli/dead/letter-changes.ts";
import type { Paint } from "../../../src/cli/terminal/paint.ts";
import type { DeadLetter, RedriveResult } from "../../../src/model/dead-letter.ts";
import { FakeIo, ranWith, run } from "../support/fake-io.ts";

const plain: Paint = (_, text) => text;
const letter = (sequence: number, more: Partial<DeadLetter> = {}): DeadLetter => ({
  sequence,
  storedAtMs: 0,
  reason: "permanent-error",
  error: "No such shop",
  consumer: "billing",
  deliveries: 3,
  original: { subject: "orders", stream: "ORDERS", sequence: sequence + 100, time: "1970-01-01T00:00:00Z" },
  bytes: 1_234,
  hasBody: true,
  ...more,
});
const letters = (count: number) => Array.from({ length: count }, (_, index) => letter(index + 1));
const redriven: RedriveResult = { result: "redriven", stream: "ORDERS", sequence: 200 };

async function changed(
  found: readonly DeadLetter[],
  flags: ChangeFlags,
  change: (sequence: number) => Promise<RedriveResult> = async () => redriven,
  signal = new AbortController().signal,
) {
  const io = new FakeIo();
  const changes = new LetterChanges("redrive", found, flags, signal, io);
  return ranWith(await changes.run(change), io);
}

describe("a redrive of letters", () => {
  it("does nothing, and says so, if no letter matches", async () => {
    expect(await changed([], { yes: true })).toMatchObject({ exitCode: 0, out: "No letters match.\n" });
  });

  it("shows the first five letters and the number of others", async () => {
    const { exitCode, out } = await changed(letters(1_207), { dryRun: true });
    expect([exitCode, out]).toEqual([0, expect.stringContaining("1,207 letters to redrive:\n")]);
    expect(out).toContain("and 1,202 more\n");
    expect((await changed(letters(5), { dryRun: true })).out).not.toContain(" more\n");
  });

  it("counts a letter that was gone, and fails if one stays", async () => {
    const results: readonly RedriveResult[] = [redriven, { result: "gone" }, { result: "left", why: "contended" }];
    const change = async (sequence: number) => results[sequence - 1] ?? redriven;
    const { exitCode, out } = await changed(letters(3), { yes: true }, change);
    expect([exitCode, out]).toEqual([1, expect.stringMatching(/1 letter redriven, 1 stays, 1 was gone\.\n$/)]);
    expect((await changed(letters(2), { yes: true }, change)).exitCode).toBe(0);
  });

  it("stops after the letter during which it is interrupted", async () => {
    const controller = new AbortController();
    const change = async (sequence: number) => {
      if (sequence === 2) controller.abort();
      return redriven;
    };
    const { exitCode, objects } = await changed(letters(4), { yes: true, json: true }, change, controller.signal);
    expect(exitCode).toBe(130);
    expect(objects().at(-1)).toEqual({ end: "interrupted", planned: 4, done: 2, left: 0, gone: 0 });
  });

  it("says how many letters were done before a failure", async () => {
    const change = async (sequence: number) => {
      if (sequence === 3) throw new Error("The stream is gone");
      return redriven;
    };
    await expect(changed(letters(4), { yes: true }, change)).rejects.toThrow(
      "2 of 4 letters done before a failure: The stream is gone",
    );
  });

  it("names the subject of the letters, or asks for it", async () => {
    expect(await run(["dead", "list"], { env: {} })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining(
        "Name the subject of the dead letters: --dead-letter <subject>, or LATCHKEY_DEAD_LETTER",
      ),
    });
  });
});

describe("the card of a letter", () => {
  it("leaves out what is unknown", () => {
    const card = letterCard(letter(7, { error: "" }), 60_000, plain);
    expect(card).toMatch(/^● letter 7 {2}permanent-error {2}ORDERS #107\n/);
    expect(card).not.toMatch(/^ +(error|event|dedup key|conflicts with) /m);
    expect(card).toMatch(/^ +body +1,234 bytes$/m);
  });

  it("names the commit that its payload conflicts with, and where a missing body is", () => {
    const card = letterCard(
      letter(7, { reason: "fingerprint-mismatch", commitRevision: 12, hasBody: false }),
      0,
      plain,
    );
    expect(card).toMatch(/^ +conflicts with +the commit at revision 12$/m);
    expect(card).toMatch(/^ +body +1,234 bytes, not in the letter: a redrive reads them from the stream$/m);
  });
});
