import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { answered, incident, type LetterIncident } from "../../support/letter-incident.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { FakeIo, type Ran, ranWith, run } from "../support/fake-io.ts";

const nats = useNatsServer();
let at: LetterIncident;
beforeEach(async () => {
  at = await incident(nats.connection);
  await using _ = await at.work();
  const letters = (count: number): Promise<unknown> =>
    eventually("the letters", async () => ((await sequences()).length === count ? true : undefined));
  await at.stream.publish("e-1", "body of e-1");
  await letters(1);
  await at.stream.publish("e-2", "body of e-2");
  await letters(2);
  await at.stream.jetstream.publish(at.stream.subject, "no identity");
  await letters(3);
  await answered(at.stream);
});
afterEach(() => at[Symbol.asyncDispose]());

const env = (): Record<string, string> => ({
  NATS_URL: nats.server.url,
  LATCHKEY_DEAD_LETTER: at.stream.deadSubject,
  LATCHKEY_BUCKET: at.bucket,
});
const dead = (...argv: readonly string[]): Promise<Ran> => run(["dead", ...argv], { env: env() });
const sequences = async (): Promise<readonly number[]> =>
  (await collected(at.letters.list())).map(({ sequence }) => sequence);

describe("latchkey dead list", () => {
  it("lists reason, event and error, oldest first", async () => {
    const { exitCode, out, err } = await dead("list");
    expect([exitCode, err]).toEqual([0, "3 dead letters.\n"]);
    const rows = out.split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, " | "));
    expect(rows[0]).toBe("LETTER | REASON | SUBSCRIPTION | EVENT | ERROR | AGE");
    expect(rows[1]).toMatch(
      /^1 \| permanent-error \| E-.*\/worker \| \["\/test","e-1"\] \| No such shop \| [\d.]+ m?s$/,
    );
    expect(rows[3]).toMatch(
      /^3 \| unidentifiable \| worker \| E-\S+ #3 \| The message has no identity: .* \| [\d.]+ m?s$/,
    );
    expect(await dead("list", "--limit", "2")).toMatchObject({
      err: "3 dead letters. Showing 2; --limit 0 shows all.\n",
    });
    expect(await dead("list", "--limit", "0")).toMatchObject({ exitCode: 0, err: "3 dead letters.\n" });
    expect(await dead("list", "--consumer", "nobody")).toMatchObject({
      exitCode: 0,
      out: "",
      err: "No letters match.\n",
    });
  });

  it.each<readonly [readonly string[], readonly number[]]>([
    [["--reason", "unidentifiable"], [3]],
    [["--event", '["/test","e-2"]'], [2]],
    [
      ["--workspace", "default"],
      [1, 2],
    ],
    [["--consumer", "nobody"], []],
    [["--older-than", "1h"], []],
    [
      ["--newer-than", "1h"],
      [1, 2, 3],
    ],
    [["2"], [2]],
  ])("selects with %j", async (argv, expected) => {
    const { exitCode, objects } = await dead("list", ...argv, "--json");
    expect([exitCode, objects().map(({ sequence }) => sequence)]).toEqual([0, expected]);
  });

  it.each<readonly [readonly string[], string]>([
    [["show"], "Name the letters to show by their numbers"],
    [["redrive"], "Select the letters to redrive"],
    [["drop", "1", "--all"], "not by several of them"],
    [["list", "99"], "There is no letter 99"],
    [["list", "x"], "Expected a whole number of at least 1"],
    [["list", "--dead-letter", "nowhere"], "No stream stores `nowhere`"],
    [["list", "--dead-letter", "a.>"], "a subject without wildcards"],
    [["redrive", "--all"], "without a terminal to ask, give --yes"],
  ])("refuses %j", async (argv, sentence) => {
    const { exitCode, err } = await dead(...argv);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(sentence)]);
    expect(await sequences()).toEqual([1, 2, 3]);
  });
});

describe("latchkey show of an event that became a dead letter", () => {
  it("names the letter, and the command that dispatches it again", async () => {
    const [letter] = (await dead("list", "1", "--json")).objects();
    const show = (eventId: string): Promise<Ran> =>
      run(["show", String(letter?.["subscriptionId"]), eventId], { env: env() });
    expect((await show('["/test","e-1"]')).err).toContain(
      "Dead letter 1 has the event (permanent-error): No such shop. latchkey dead redrive 1 dispatches it again.",
    );
    expect((await show("other")).err).toContain(`No dead letter of ${at.stream.deadSubject} has the event (3 read).`);
    const nowhere = { ...env(), LATCHKEY_DEAD_LETTER: "nowhere" };
    const { err } = await run(["show", "billing", "1"], { env: nowhere });
    expect(err).toContain("The dead letters cannot be read: No stream stores `nowhere`");
  });
});

describe("latchkey dead show", () => {
  it("explains a letter, and contains headers and body only on request", async () => {
    const { exitCode, out } = await dead("show", "1");
    expect(exitCode).toBe(0);
    expect(out).toContain("The dispatch failed with an error that no retry can cure.");
    expect(out).toMatch(/event +\["\/test","e-1"\]\n/);
    expect(out).not.toContain("body of");
    expect((await dead("show", "1", "3")).out).toMatch(/\n\n● letter 3 {2}unidentifiable /);
    const all = await dead("show", "1", "--payload");
    expect(all.out).toMatch(/header +ce-id: e-1\n/);
    expect(all.out).toMatch(/payload +body of e-1\n/);
    const [object] = (await dead("show", "1", "--payload", "--json")).objects();
    expect(object).toMatchObject({ sequence: 1, eventId: '["/test","e-1"]', body: "body of e-1" });
  });

  it("exits with code 1 for a letter that does not exist", async () => {
    expect(await dead("show", "9")).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("There is no letter 9"),
    });
  });
});

describe("latchkey dead redrive", () => {
  it("redrives letters, and explains why others stay", async () => {
    at.repair();
    await using other = new Deduplicator({ store: at.store, owner: "web-2" });
    await other.guard(at.stream.identity("e-1"), () => {});
    const { exitCode, out } = await dead("redrive", "--workspace", "default", "--yes");
    expect(exitCode).toBe(1);
    expect(out).toContain("2 letters to redrive:\n");
    expect(out).toMatch(/1 letter redriven, 1 stays\.\n$/);
    expect(await sequences()).toEqual([1, 3]);
    await at.work();
    await answered(at.stream);
    expect(at.effects).toEqual(["body of e-2"]);
  });

  it("prints results as JSON", async () => {
    const { exitCode, objects } = await dead("redrive", "1", "2", "--yes", "--json");
    expect(exitCode).toBe(0);
    expect(objects()).toEqual([
      { letter: 1, result: "redriven", stream: at.stream.name, sequence: 4 },
      { letter: 2, result: "redriven", stream: at.stream.name, sequence: 5 },
      { end: "done", planned: 2, done: 2, left: 0, gone: 0 },
    ]);
  });

  it.each([
    ["y\n", 0, "1 letter redriven.\n"],
    ["n\n", 1, "Nothing was redriven.\n"],
  ])("asks at a terminal, and obeys %j", async (answer, exitCode, end) => {
    const input = new PassThrough();
    const io = new FakeIo({ input, terminal: true, inputIsTerminal: true, env: env() });
    const running = runCli(["dead", "redrive", "2"], io);
    await io.err.until("Redrive 1 letter? [y/N] ");
    input.write(answer);
    const ran = ranWith(await running, io);
    expect([ran.exitCode, ran.out.endsWith(end)]).toEqual([exitCode, true]);
  });

  it("stops after the current letter when it is interrupted", async () => {
    const io = new FakeIo({ input: new PassThrough(), terminal: true, inputIsTerminal: true, env: env() });
    const running = runCli(["dead", "redrive", "--all"], io);
    await io.err.until("[y/N] ");
    io.interrupt();
    const ran = ranWith(await running, io);
    expect([ran.exitCode, ran.out]).toEqual([130, expect.stringContaining("Interrupted: 0 of 3 letters redriven.")]);
    const early = await run(["dead", "redrive", "--all", "--yes"], { env: env(), interrupted: true });
    expect([early.exitCode, early.out]).toEqual([130, ""]);
    expect(await sequences()).toEqual([1, 2, 3]);
  });

  it("changes nothing in a dry run", async () => {
    expect(await dead("redrive", "--all", "--dry-run")).toMatchObject({ exitCode: 0 });
    expect(await sequences()).toEqual([1, 2, 3]);
  });
});

describe("latchkey dead drop", () => {
  it("removes letters without a bucket", async () => {
    const { exitCode, out } = await run(["dead", "drop", "--reason", "unidentifiable", "--yes"], {
      env: { ...env(), LATCHKEY_BUCKET: "" },
    });
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/1 letter dropped\.\n$/)]);
    expect(await sequences()).toEqual([1, 2]);
  });
});
