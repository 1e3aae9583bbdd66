import { describe, expect, it } from "vitest";
import type { History } from "../../../src/history/history.ts";
import { formatHistory } from "../../../src/history/history-text.ts";
import { serveRun } from "../../../src/inspect/server/serve-run.ts";
import {
  atTheEnd,
  goToHash,
  inspected,
  newPage,
  takeProblems,
  textOf,
  useBrowser,
} from "../../support/browser/inspected.ts";

useBrowser();

const KEY = "w.s.d";

const record = (owner: string, attempt: number, state: "reserved" | "committed", fence: number) =>
  ({
    v: 1,
    state,
    owner,
    token: `${owner}-${attempt}`,
    attempt,
    fence,
    leaseMs: 1_000,
    atMs: 0,
    workspaceId: "default",
    subscriptionId: "sub-1",
    eventId: "evt-1",
  }) as const;

/** One replica dies while its handler runs. The other dispatches the event after the lease. */
const run: History = [
  { type: "history", version: 1, clock: "simulated" },
  { type: "delivered", process: "replica-1", atMs: 0, event: "evt-1", delivery: 1 },
  {
    type: "store.held",
    process: "store",
    atMs: 1,
    key: KEY,
    revision: 1,
    record: record("replica-1", 1, "reserved", 0),
  },
  {
    type: "effect.began",
    process: "replica-1",
    atMs: 2,
    event: "evt-1",
    effect: 1,
    name: "run",
    fence: 1,
    hasSignal: true,
  },
  { type: "died", process: "replica-1", atMs: 500 },
  { type: "delivered", process: "replica-2", atMs: 2_000, event: "evt-1", delivery: 2 },
  {
    type: "store.held",
    process: "store",
    atMs: 2_001,
    key: KEY,
    revision: 2,
    record: record("replica-2", 2, "reserved", 0),
  },
  {
    type: "effect.began",
    process: "replica-2",
    atMs: 2_002,
    event: "evt-1",
    effect: 1,
    name: "run",
    fence: 2,
    hasSignal: true,
  },
  { type: "effect.ended", process: "replica-2", atMs: 2_100, event: "evt-1", effect: 1, failed: false },
  {
    type: "store.held",
    process: "store",
    atMs: 2_101,
    key: KEY,
    revision: 3,
    record: record("replica-2", 2, "committed", 2),
  },
  {
    type: "answered",
    process: "replica-2",
    atMs: 2_102,
    event: "evt-1",
    delivery: 2,
    answer: "acknowledged",
    because: "dispatched",
  },
];

/** Returns a script that drops a file on the page. */
const drop = (name: string, text: string): string => `{
  const transfer = new DataTransfer();
  transfer.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
  for (const type of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
  }
}`;

describe("a history of the testing kit", () => {
  it("opens by drag and drop without the server", async () => {
    const { page, inspector } = await inspected();
    await page.getByText("No event has arrived yet").waitFor();
    await inspector.close();
    await page.getByText("Disconnected.").waitFor();
    await page.evaluate(drop("run.ndjson", formatHistory(run)));
    await page.getByText("run.ndjson is open").waitFor();
    await page.getByText("Recording", { exact: true }).waitFor();
    await goToHash(page, `#/event/${encodeURIComponent(KEY)}`);
    await page.getByText("Dispatched: the handler on replica-2 succeeded at attempt 2").waitFor();
    await page.getByText("This is a recorded run, so there is no store to ask.").waitFor();
    expect(await page.locator(".timeline td.what .word").allInnerTexts()).toEqual([
      "delivered",
      "reserved",
      "handler began",
      "crashed",
      "delivered",
      "reserved",
      "handler began",
      "handler done",
      "committed",
      "acknowledged",
    ]);
    takeProblems();
  });

  it("is played step by step, and closed", async () => {
    const { page } = await inspected({ hash: "#/in-flight" });
    await page.getByText("Nothing is in flight").waitFor();
    await page.evaluate(drop("run.ndjson", formatHistory(run)));
    await page.getByText("Nothing is in flight at this point of the run").waitFor();
    const slider = page.getByRole("slider", { name: "Position in the run" });
    await slider.fill("2");
    await page.getByRole("row", { name: /evt-1.*replica-1/ }).waitFor();
    expect(await slider.getAttribute("aria-valuetext")).toBe("step 2 of 10");
    await slider.fill("7");
    await page.getByRole("row", { name: /evt-1.*replica-2/ }).waitFor();
    await page.getByRole("button", { name: "One step forward" }).click();
    await page.getByText("8 of 10").waitFor();
    await page.getByRole("button", { name: "One step back" }).click();
    await page.getByText("7 of 10").waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByText("Nothing is in flight").waitFor();
    expect(await textOf(page, ".source .pill")).toBe("Live");
  });

  it("is refused with the number of the unreadable line, and the page stays as it is", async () => {
    const { page } = await inspected();
    await page.getByText("No event has arrived yet").waitFor();
    const [header = "", first = ""] = formatHistory(run).split("\n");
    await page.evaluate(drop("broken.ndjson", `${header}\n${first}\n{"type":"delivered","process":1}\n`));
    await page
      .getByText(/broken.ndjson cannot be opened. Line 3 of the history: Expected `process` to be a string/)
      .waitFor();
    await page.getByText("No event has arrived yet").waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.getByText("broken.ndjson").waitFor({ state: "detached" });
  });
});

it("the page shows a drop target while a file is dragged over it", async () => {
  const { page } = await inspected();
  await page.evaluate(`dispatchEvent(new DragEvent("dragover", { cancelable: true }))`);
  await page.getByText("Drop the run here").waitFor();
  await page.evaluate(`dispatchEvent(new DragEvent("dragleave"))`);
  await page.getByText("Drop the run here").waitFor({ state: "detached" });
});

describe("a run that the server was started for", () => {
  it("is open from the start, and cannot be closed", async () => {
    const served = await serveRun({ name: "run-7.ndjson", text: formatHistory(run) }, 0);
    atTheEnd(async () => served[Symbol.asyncDispose]());
    const page = await newPage(new URL(served.url).origin);
    await page.goto(served.url);
    const bar = page.getByRole("region", { name: "Recording" });
    await bar.waitFor();
    expect(await textOf(page, ".playback")).toContain("run-7.ndjson");
    expect(await bar.getByRole("button", { name: "Close" }).count()).toBe(0);
  });
});
