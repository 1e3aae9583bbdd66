import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryStore } from "../../src/index.ts";
import {
  CounterexampleError,
  checkHandler,
  checkHistory,
  exhaust,
  type HandlerUnderTest,
  parseHistory,
} from "../../src/testing/index.ts";
import { commitWithoutFence } from "../testing/examples/commit-without-fence.ts";
import { getThenPut } from "../testing/examples/get-then-put.ts";
import { pendingIsDuplicate } from "../testing/examples/pending-is-duplicate.ts";
import { recordedService } from "../testing/examples/recorded-service.ts";
import { filledIn } from "./markdown.ts";
import { shownSource } from "./shown-source.ts";

const documents = ["README.md", "docs/testing-your-handler.md", "docs/writing-a-store.md"];

/** Returns the output of each example of the documentation. */
const printed: Readonly<Record<string, () => Promise<string>>> = {
  "get-then-put": async () => (await broken(checkHandler(fc, getThenPut, { seed: 1 }))).message,
  "get-then-put.mermaid": async () => (await broken(checkHandler(fc, getThenPut, { seed: 1 }))).run.mermaid,
  "pending-is-duplicate": async () => (await broken(checkHandler(fc, pendingIsDuplicate, { seed: 1 }))).message,
  "commit-without-fence": async () => (await broken(exhaust(commitWithoutFence, { preemptions: 3 }))).message,
  uncontrolled: async () => String(await reasonOf(exhaust(waits, { replicas: 1 }))),
};

const waits: HandlerUnderTest =
  ({ effect }) =>
  async ({ event }) => {
    await turn();
    await effect(event);
  };

async function reasonOf(rejecting: Promise<unknown>): Promise<unknown> {
  return rejecting.then(
    () => expect.fail("it did not reject"),
    (reason: unknown) => reason,
  );
}

async function broken(checked: Promise<unknown>): Promise<CounterexampleError> {
  const reason = await reasonOf(checked);
  if (reason instanceof CounterexampleError) return reason;
  throw reason;
}

async function fill(kind: "example" | "printed", name: string): Promise<string> {
  if (kind === "example") return shownSource(join("test/testing/examples", name));
  const print = printed[name] ?? expect.fail(`no output is known for ${name}`);
  return `${(await print()).trimEnd()}\n`;
}

describe("a worked example", () => {
  it.each(documents)("shows the tested code and its real output in %s; if not, run with -u", async (document) => {
    const filled = await filledIn(readFileSync(document, "utf8"), fill);
    await expect(filled).toMatchFileSnapshot(join("../..", document));
  });

  it("has a place in the documentation", async () => {
    const places: string[] = [];
    for (const document of documents) {
      await filledIn(readFileSync(document, "utf8"), async (kind, name) => {
        places.push(`${kind} ${name}`);
        return "";
      });
    }
    expect(places).toEqual(expect.arrayContaining(Object.keys(printed).map((name) => `printed ${name}`)));
    expect(places.filter((place) => place.startsWith("example")).length).toBeGreaterThan(6);
  });
});

describe("a recorded service", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "latchkey-recorded-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is judged by its recorded history", async () => {
    const file = join(folder, "worker-1.ndjson");
    let charges = 0;
    const charge = async (): Promise<void> => {
      charges += 1;
      if (charges === 1) throw new Error("declined");
      await pause(20);
    };
    const handle = recordedService("worker-1", memoryStore(), charge, file);
    await expect(handle("E1", 1)).rejects.toThrow("declined");
    expect(await Promise.all([handle("E1", 2), handle("E1", 3)])).toEqual(["ack", "nak"]);
    expect(await handle("E1", 4)).toBe("ack");
    expect(charges).toBe(2);
    expect(checkHistory(parseHistory(readFileSync(file, "utf8")))).toEqual([]);
    const hasty = readFileSync(file, "utf8").replace(
      '"nak","because":"pending"',
      '"acknowledged","because":"duplicate"',
    );
    expect(checkHistory(parseHistory(hasty))).toMatchObject([{ guarantee: "G2" }]);
  });
});
