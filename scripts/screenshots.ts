// Takes the screenshots of docs/inspector.md in Chromium: a service during an incident, and a counterexample of the testing kit.
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Browser, Page } from "playwright-core";
import { Deduplicator } from "../src/deduplicator.ts";
import { serveInspector } from "../src/inspect/server/serve.ts";
import { memoryStore } from "../src/stores/memory-store.ts";
import { CounterexampleError, checkHandler, type HandlerUnderTest } from "../src/testing/index.ts";
import { launchBrowser } from "../test/support/browser/browser.ts";
import { serviceIncident } from "../test/support/browser/service-incident.ts";
import { smallPng } from "./small-png.ts";

const FOLDER = fileURLToPath(new URL("../docs/inspector/", import.meta.url));
const MAX_BYTES = 150_000;
const DESK = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 844 };
/** Duration of the incident before the first screenshot. */
const WARM_UP_MS = 15_000;

async function picture(page: Page, name: string): Promise<void> {
  await pause(600);
  const png = smallPng(await page.screenshot({ animations: "allow" }));
  console.log(`${name}.png: ${Math.round(png.length / 1_000)} kB`);
  if (png.length > MAX_BYTES) throw new Error(`${name}.png has more than ${MAX_BYTES} bytes`);
  writeFileSync(`${FOLDER}${name}.png`, png);
}

const goTo = (page: Page, hash: string): Promise<unknown> => page.evaluate(`location.hash = ${JSON.stringify(hash)}`);

async function ofIncident(browser: Browser): Promise<void> {
  await using incident = serviceIncident(seeded(7));
  await incident.fill(5_000);
  await incident.die();
  const { store, deadLetters } = incident;
  await using inspector = await serveInspector({
    store,
    name: "latchkey-orders",
    deadLetters,
    links: [{ name: "Logs", template: "https://logs.example.com/search?q={key}" }],
  });
  for (const replica of incident.replicas) inspector.attach(replica);
  const page = await browser.newPage({ viewport: DESK, colorScheme: "light" });
  await page.goto(inspector.url);
  await page.getByText("Holder may be gone").first().waitFor();
  incident.begin();
  await pause(WARM_UP_MS);
  await picture(page, "overview");
  await page.getByRole("button", { name: /reserved/ }).click();
  await picture(page, "machine");
  await goTo(page, "#/in-flight");
  await picture(page, "in-flight");
  await goTo(page, "#/totals");
  await picture(page, "totals");
  const failing = page.locator(".notice-list li").filter({ hasText: "Dispatch failed" }).getByRole("link").first();
  await goTo(page, (await failing.getAttribute("href")) ?? "#/");
  await page.getByText("Current record").waitFor();
  await picture(page, "event");
  await goTo(page, "#/keys?state=failed");
  await page
    .getByText(/failed event/)
    .first()
    .waitFor();
  await picture(page, "failed");
  await goTo(page, "#/keys?subscription=billing");
  await page.getByText(/of 5,\d+ keys/).waitFor();
  await picture(page, "keys");
  await page.getByRole("button", { name: "Clear all that match" }).click();
  await picture(page, "clear");
  await page.getByRole("button", { name: "Cancel" }).click();

  const dark = await browser.newPage({ viewport: DESK, colorScheme: "dark" });
  await dark.goto(inspector.url);
  await dark.getByText("Holder may be gone").first().waitFor();
  await pause(4_000);
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

  await goTo(page, "#/dead");
  await page.getByText("7 letters").waitFor();
  await picture(page, "dead-letters");
  await page.getByRole("button", { name: "Redrive 7…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Redrive" }).click();
  await page.getByText("6 of 7 redriven").waitFor();
  await picture(page, "redrive");
  await page.close();
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
  await page.getByText("This step breaks").first().waitFor();
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
  await ofIncident(browser);
  await ofCounterexample(browser);
} finally {
  await browser.close();
}
