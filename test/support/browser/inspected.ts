import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import type { InspectorOptions } from "../../../src/inspect/server/options.ts";
import { type Inspector, serveInspector } from "../../../src/inspect/server/serve.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import { type MemoryStore, memoryStore } from "../../../src/stores/memory-store.ts";

/** A deduplicator, its inspector, and the page in a browser. */
export interface InspectedPage {
  readonly store: MemoryStore;
  readonly dedup: Deduplicator;
  readonly inspector: Inspector;
  readonly page: Page;
}

/** Settings of a test. */
export interface InspectedPageOptions {
  readonly inspector?: Partial<InspectorOptions>;
  readonly context?: BrowserContextOptions;
  /** Route of the page. */
  readonly hash?: string;
  readonly leaseMs?: number;
}

const TOKEN = "a-token-for-the-tests";

let browser: Browser;
const endings: (() => Promise<unknown>)[] = [];
const problems: string[] = [];

/** Provides a browser to the tests of a file. Every test fails if a page reports an error or sends a request elsewhere. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.connect(inject("browserEndpoint"));
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    const found = problems.splice(0);
    for (const end of endings.splice(0).reverse()) await end();
    // Errors of the page after the server has closed are expected.
    problems.length = 0;
    expect(found).toEqual([]);
  });
}

/** Registers a clean-up for the end of the test. */
export function atTheEnd(end: () => Promise<unknown>): void {
  endings.push(end);
}

export async function newPage(origin: string, options: BrowserContextOptions = {}): Promise<Page> {
  // Without a GPU, the frames of an animation take most of a test's time.
  const still = { viewport: { width: 1280, height: 720 }, reducedMotion: "reduce" } as const;
  const context = await browser.newContext({ ...still, ...options });
  atTheEnd(() => context.close());
  const page = await context.newPage();
  page.on("pageerror", ({ message }) => problems.push(`error: ${message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { protocol, origin: to } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:" && to !== origin) problems.push(`request: ${request.url()}`);
  });
  return page;
}

/** Returns and clears the errors that a test caused on purpose. */
export function takeProblems(): readonly string[] {
  return problems.splice(0);
}

export async function inspected(options: InspectedPageOptions = {}): Promise<InspectedPage> {
  const store = memoryStore();
  const dedup = new Deduplicator({ store, owner: "worker-a", leaseMs: options.leaseMs ?? 60_000 });
  atTheEnd(() => dedup.close({ drainMs: 0 }));
  const inspector = await serveInspector({ dedup, name: "tests", token: TOKEN, ...options.inspector });
  atTheEnd(() => inspector.close());
  const page = await newPage(new URL(inspector.url).origin, options.context);
  await page.goto(inspector.url);
  if (options.hash !== undefined) await goToHash(page, options.hash);
  return { store, dedup, inspector, page };
}

export async function goToHash(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
}

/** Creates another replica on the same store, attached to the same inspector. */
export function replica({ store, inspector }: InspectedPage, owner: string): Deduplicator {
  const dedup = new Deduplicator({ store, owner, leaseMs: 60_000 });
  atTheEnd(() => dedup.close({ drainMs: 0 }));
  inspector.attach(dedup);
  return dedup;
}

/** Holds an event until the returned function ends its dispatch, with or without an error. */
export async function heldBy(
  dedup: Deduplicator,
  eventId: string,
  subscriptionId = "sub-1",
): Promise<(error?: Error) => Promise<void>> {
  const { promise, resolve, reject } = new Deferred<undefined>();
  const began = new Deferred<undefined>();
  const guarded = dedup
    .guard({ subscriptionId, eventId }, () => {
      began.resolve(undefined);
      return promise;
    })
    .then(
      () => {},
      () => {},
    );
  await began.promise;
  atTheEnd(async () => resolve(undefined));
  return async (error) => {
    if (error === undefined) resolve(undefined);
    else reject(error);
    await guarded;
  };
}

/** Takes an event from its holder while the handler runs, dispatches it on another replica, and lets the first one finish. */
export async function supersededOn(them: InspectedPage, eventId = "evt-2"): Promise<void> {
  const finish = await heldBy(them.dedup, eventId);
  const other = replica(them, "worker-b");
  await other.clear({ subscriptionId: "sub-1", eventId });
  await other.guard({ subscriptionId: "sub-1", eventId }, () => "done");
  await finish();
}

export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().textContent()) ?? "";
}
