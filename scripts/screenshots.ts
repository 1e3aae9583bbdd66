// Takes the screenshots of docs/inspector.md in Chromium: a service of three replicas under load, and a counterexample of the
// testing kit.
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Browser, Page } from "playwright-core";
import { Deduplicator } from "../src/deduplicator.ts";
import { type Inspector, serveInspector } from "../src/inspect/server/serve.ts";
import { deferred } from "../src/internal/deferred.ts";
import { memoryStore } from "../src/stores/memory-store.ts";
import { CounterexampleError, checkHandler, type HandlerUnderTest } from "../src/testing/index.ts";
import { launchBrowser } from "../test/support/browser/browser.ts";
import { startTriggerService, type TriggerService } from "../test/support/browser/trigger-service.ts";
import { smallPng } from "./small-png.ts";

const FOLDER = fileURLToPath(new URL("../docs/inspector/", import.meta.url));
const MAX_BYTES = 150_000;
const DESK = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 844 };
/** How long the service runs before the first screenshot. */
const WARM_UP_MS = 25_000;

async function picture(page: Page, name: string): Promise<void> {
  await pause(600);
  const png = smallPng(await page.screenshot({ animations: "allow" }));
  console.log(`${name}.png: ${Math.round(png.length / 1_000)} kB`);
  if (png.length > MAX_BYTES) throw new Error(`${name}.png has more than ${MAX_BYTES} bytes`);
  writeFileSync(`${FOLDER}${name}.png`, png);
}

const goTo = (page: Page, hash: string): Promise<unknown> => page.evaluate(`location.hash = ${JSON.stringify(hash)}`);

async function ofService(browser: Browser): Promise<void> {
  await using service = startTriggerService(seeded(7));
  const [first, ...others] = service.replicas;
  if (first === undefined) throw new Error("The service has no replica");
  await using inspector = await serveInspector({ dedup: first, name: "trigger service" });
  for (const other of others) inspector.attach(other);
  const page = await browser.newPage({ viewport: DESK, colorScheme: "light" });
  await page.goto(inspector.url);
  await supersede(service, inspector);
  await pause(WARM_UP_MS);
  await picture(page, "overview");
  await page.getByRole("button", { name: /reserved/ }).click();
  await picture(page, "machine");
  await goTo(page, "#/in-flight");
  await picture(page, "in-flight");
  await goTo(page, "#/totals");
  await picture(page, "totals");
  await goTo(page, "#/");
  const duplicate = page.locator(".recent li").filter({ hasText: "duplicate" }).getByRole("link").first();
  await goTo(page, (await duplicate.getAttribute("href")) ?? "#/");
  await page.getByText("Current record").waitFor();
  await picture(page, "event");
  await page.getByRole("button", { name: "Clear…" }).click();
  await picture(page, "clear");
  await page.close();

  const dark = await browser.newPage({ viewport: DESK, colorScheme: "dark" });
  await dark.goto(inspector.url);
  await dark.getByText("Lifecycle of a key").waitFor();
  await pause(6_000);
  await picture(dark, "dark");
  await dark.close();

  const phone = await browser.newPage({ viewport: PHONE, colorScheme: "light" });
  await phone.goto(inspector.url);
  await goTo(phone, "#/in-flight");
  await phone
    .getByText(/reservations/)
    .first()
    .waitFor();
  await picture(phone, "phone");
  await phone.close();
}

/** Takes an event from its holder while the handler runs, dispatches it on another replica, and lets the first one finish. */
async function supersede({ store }: TriggerService, inspector: Inspector): Promise<void> {
  const identity = { subscriptionId: "order-paid", eventId: "evt-taken-over" };
  await using slow = new Deduplicator({ store, owner: "worker-d" });
  await using quick = new Deduplicator({ store, owner: "worker-a" });
  inspector.attach(slow);
  inspector.attach(quick);
  const end = deferred<undefined>();
  const guarded = slow.guard(identity, () => end.promise);
  await pause(500);
  await quick.clear(identity);
  await quick.guard(identity, () => undefined);
  end.resolve(undefined);
  await guarded;
}

/** A handler that acknowledges pending deliveries, which loses the event if the holder fails. */
const acknowledgesPending: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs: 5_000 });
  return async ({ event }) => {
    await dedup.guard({ subscriptionId: "billing", eventId: event }, (reservation) =>
      replica.effect(event, reservation),
    );
    return { outcome: "dispatched" };
  };
};

async function ofCounterexample(browser: Browser): Promise<void> {
  const run = await checkHandler(fc, acknowledgesPending, { seed: 1 }).then(
    () => undefined,
    (error: unknown) => (error instanceof CounterexampleError ? error.run : undefined),
  );
  if (run === undefined) throw new Error("The check did not find the handler that loses events");
  await using dedup = new Deduplicator({ store: memoryStore(), owner: "worker-a" });
  await using inspector = await serveInspector({ dedup, name: "trigger service" });
  const page = await browser.newPage({ viewport: DESK, colorScheme: "light" });
  await page.goto(inspector.url);
  await page.locator("input[type=file]").setInputFiles({
    name: "counterexample.ndjson",
    mimeType: "application/x-ndjson",
    buffer: Buffer.from(run.ndjson),
  });
  await page.locator(".recent").getByRole("link").first().click();
  await page.getByText("Timeline").waitFor();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await picture(page, "counterexample");
  await page.close();
}

/** Returns reproducible pseudo-random numbers (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

mkdirSync(FOLDER, { recursive: true });
const browser = await launchBrowser();
try {
  await ofService(browser);
  await ofCounterexample(browser);
} finally {
  await browser.close();
}
