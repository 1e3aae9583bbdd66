import { createServer } from "node:http";
import { expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { inspectorHandler, toNodeHandler } from "../../../src/inspect/index.ts";
import type { DeadLetter, DeadLetters, RedriveResult } from "../../../src/model/dead-letter.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { atTheEnd, inspected, newPage, useBrowser } from "../../support/browser/inspected.ts";

useBrowser();

function letter(sequence: number, eventId: string, error: string): DeadLetter {
  return {
    sequence,
    storedAtMs: Date.now() - 60_000,
    reason: "max-deliver",
    error,
    consumer: "billing",
    deliveries: 10,
    identity: resolveIdentity({ subscriptionId: "billing", eventId }),
    original: { subject: "orders.paid", stream: "ORDERS", sequence: sequence + 100, time: "2026-11-30T00:00:00.000Z" },
    bytes: 120,
    hasBody: true,
  };
}

/** Letters in memory. A redrive of letter 2 is refused. */
function letters(all: DeadLetter[]): DeadLetters & { readonly redriven: readonly number[] } {
  const redriven: number[] = [];
  const take = (sequence: number): boolean => {
    const index = all.findIndex((one) => one.sequence === sequence);
    if (index !== -1) all.splice(index, 1);
    return index !== -1;
  };
  return {
    redriven,
    async *list() {
      yield* all;
    },
    get: async (sequence) => all.find((one) => one.sequence === sequence),
    async redrive(sequence): Promise<RedriveResult> {
      if (sequence === 2) return { result: "left", why: "dispatched", owner: "web-2", committedAtMs: 1 };
      take(sequence);
      redriven.push(sequence);
      return { result: "redriven", stream: "ORDERS", sequence: 200 };
    },
    drop: async (sequence) => take(sequence),
  };
}

it("dead letters are listed, and redriven after a confirmation that shows why some stay", async () => {
  const deadLetters = letters([
    letter(1, '["/orders","41"]', "connect ECONNREFUSED"),
    letter(2, '["/orders","42"]', "connect ECONNREFUSED"),
    letter(3, '["/orders","43"]', "No such shop"),
  ]);
  const { page } = await inspected({ inspector: { deadLetters }, hash: "#/dead" });
  await page.getByText("3 letters").waitFor();
  await page.getByLabel("Event, reason or error").fill("econnrefused");
  await page.getByText("2 of 3 letters").waitFor();
  await page.getByRole("button", { name: "Redrive 2…" }).click();
  const dialog = page.getByRole("dialog", { name: "Redrive 2 dead letters?" });
  await dialog.getByText("published again under its own subject").waitFor();
  await dialog.getByRole("button", { name: "Redrive" }).click();
  await dialog.getByText("1 of 2 redriven, 1 left unchanged.").waitFor();
  await dialog.getByText("web-2 has dispatched the event.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByText("1 of 2 letters").waitFor();
  expect(deadLetters.redriven).toEqual([1]);
});

it("a single letter is dropped", async () => {
  const deadLetters = letters([letter(1, "evt-1", "boom"), letter(3, "evt-3", "boom")]);
  const { page } = await inspected({ inspector: { deadLetters }, hash: "#/dead" });
  await page.getByRole("button", { name: "Drop letter 3" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drop" }).click();
  await page.locator(".toast", { hasText: "Dropped" }).waitFor();
  await page.getByText("1 letter", { exact: true }).waitFor();
});

it("all committed keys that a filter matches are cleared, and reserved ones stay", async () => {
  const { page, dedup } = await inspected({ hash: "#/keys?subscription=billing" });
  for (let index = 0; index < 130; index += 1) {
    await dedup.guard({ subscriptionId: "billing", eventId: `evt-${index}` }, () => {});
  }
  await dedup.guard({ subscriptionId: "mail", eventId: "evt-1" }, () => {});
  await dedup.reserve({ subscriptionId: "billing", eventId: "held" });
  await page.getByText("131 of 132 keys").waitFor({ timeout: 20_000 });
  await page.getByRole("button", { name: "Clear all that match…" }).click();
  const dialog = page.getByRole("dialog", { name: "Clear 130 keys?" });
  await dialog.getByText("1 reserved key stay").waitFor();
  await dialog.getByRole("button", { name: "Clear" }).click();
  await dialog.getByText("130 of 130 cleared.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  expect(await dedup.peek({ subscriptionId: "mail", eventId: "evt-1" })).toBeDefined();
  expect(await dedup.peek({ subscriptionId: "billing", eventId: "held" })).toBeDefined();
  expect(await dedup.peek({ subscriptionId: "billing", eventId: "evt-7" })).toBeUndefined();
});

it("a mounted page works under its path, and links lead to other systems", async () => {
  const dedup = new Deduplicator({ store: memoryStore(), owner: "web-1" });
  const links = [{ name: "Logs", template: "https://logs.example/search?q={key}" }];
  const inspector = inspectorHandler({ dedup, basePath: "/ops/latchkey", authorize: () => true, links });
  const server = createServer(toNodeHandler(inspector)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  atTheEnd(async () => {
    await inspector.close();
    server.closeAllConnections();
    server.close();
    await dedup.close({ drainMs: 0 });
  });
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const identity = { subscriptionId: "sub-1", eventId: "evt-1" };
  await dedup.guard(identity, () => {});
  const page = await newPage(origin);
  await page.goto(`${origin}/ops/latchkey`);
  await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  const { key } = resolveIdentity(identity);
  expect(await page.getByRole("link", { name: "Logs" }).getAttribute("href")).toBe(
    `https://logs.example/search?q=${encodeURIComponent(key)}`,
  );
  await page.getByRole("button", { name: "Clear…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Clear" }).click();
  await page.locator(".toast", { hasText: "Cleared" }).waitFor();
});

it("a hidden tab releases its stream, and continues when it is shown", async () => {
  const { page, dedup, inspector } = await inspected();
  await page.getByText("Live", { exact: true }).waitFor();
  const closed = page.waitForEvent("requestfailed", { predicate: (request) => request.url().endsWith("/api/feed") });
  const show = (state: string): Promise<unknown> =>
    page.evaluate(`Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"))`);
  await show("hidden");
  await closed;
  await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-7" }, () => {});
  await show("visible");
  await page.locator(".recent").getByRole("link", { name: "evt-7" }).first().waitFor();
  expect(inspector.url).toContain("#token=");
});
