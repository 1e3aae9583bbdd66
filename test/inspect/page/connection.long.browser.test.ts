import { expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { RecordUnreadableError } from "../../../src/errors.ts";
import { serveInspector } from "../../../src/inspect/server/serve.ts";
import type { KeyFilter, StoreKey } from "../../../src/model/identity.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import {
  atTheEnd,
  goToHash,
  heldBy,
  inspected,
  newPage,
  takeProblems,
  useBrowser,
} from "../../support/browser/inspected.ts";

useBrowser();

it("a page reports a lost server, keeps its state, and continues when the server is back", async () => {
  const { page, dedup, inspector } = await inspected();
  await heldBy(dedup, "evt-1");
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
  const { port } = new URL(inspector.url);
  await inspector.close();
  await page.getByText("The inspector has stopped or cannot be reached").waitFor();
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();

  const again = await serveInspector({ dedup, port: Number(port), token: "a-token-for-the-tests", name: "back again" });
  atTheEnd(() => again.close());
  await page.getByText("back again").waitFor();
  await page.getByText("The inspector has stopped").waitFor({ state: "detached" });
  await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-2" }, () => "done");
  await page.getByText("Of 1 delivery").waitFor();
  for (const problem of takeProblems())
    expect(problem).toMatch(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET/);
});

it("before the first message, the page reports that it cannot reach the server and keeps trying", async () => {
  const { page, inspector } = await inspected();
  await page.route("**/api/feed", (route) => route.abort());
  await page.reload();
  await page.getByRole("heading", { name: "The inspector cannot be reached" }).waitFor();
  await page.unroute("**/api/feed");
  await page.getByText("No event has arrived yet").waitFor();
  expect(inspector.url).toContain("#token=");
  takeProblems();
});

it("a server on a public address shows nothing to a page without the token", async () => {
  const { inspector, dedup, page } = await inspected({ inspector: { host: "0.0.0.0" } });
  await page.getByText("No event has arrived yet").waitFor();
  await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => "done");
  const { port } = new URL(inspector.url);
  const stranger = await newPage(`http://127.0.0.1:${port}`);
  await stranger.goto(`http://127.0.0.1:${port}/`);
  await stranger.getByRole("heading", { name: "The inspector refused this page" }).waitFor();
  await stranger.getByText("Open the full address that was printed at the start").waitFor();
  expect(await stranger.getByText("evt-1").count()).toBe(0);
  // Without TLS the browser ignores one of the headers and warns about it.
  expect(takeProblems().filter((problem) => !problem.includes("Cross-Origin-Opener-Policy"))).toEqual([
    expect.stringContaining("401"),
  ]);
  await goToHash(page, "#/in-flight");
});

it("the page reports an unavailable store within 3 s, concludes nothing, and reports the recovery", async () => {
  const memory = memoryStore();
  let isDown = false;
  const store = {
    ...memory,
    get: (key: StoreKey) => (isDown ? new Promise<undefined>(() => {}) : memory.get(key)),
  };
  const { page } = await inspected({ inspector: { store } });
  await page.getByText("No event has arrived yet").waitFor();
  // The lease must outlast the time in which a busy machine notices the outage.
  const [leaseMs, skewMs] = [8_000, 1_000];
  await using holder = new Deduplicator({ store: memory, owner: "worker-z", leaseMs, skewMs, renew: false });
  await heldBy(holder, "evt-1");
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
  isDown = true;
  await page.getByText(/Store unavailable since/).waitFor();
  // Then the lease and the key have ended, but the page must not conclude that the holder went silent.
  await page.waitForTimeout(leaseMs + skewMs + 500);
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
  expect(await page.getByText("Lease ended without a renewal").count()).toBe(0);
  isDown = false;
  await page.getByText(/Store available again since/).waitFor();
});

it("the page reports a store that cannot be watched", async () => {
  const { store } = await inspected();
  const broken = {
    ...store,
    watch: () => {
      throw new Error("the bucket is gone");
    },
  };
  const { page } = await inspected({ inspector: { store: broken } });
  await page.getByText(/Store unavailable since/).waitFor();
  await page.getByText("Error: the bucket is gone").waitFor();
});

it("the page reports a foreign record as a finding, not as an outage", async () => {
  const { store } = await inspected();
  const foreign = {
    ...store,
    async *list(filter: KeyFilter) {
      yield* store.list(filter);
      throw new RecordUnreadableError("The record under a.b.c is not a Latchkey record");
    },
  };
  const { page } = await inspected({ inspector: { store: foreign } });
  await page.getByText("Record cannot be read").waitFor();
  expect(await page.getByText(/Store unavailable since/).count()).toBe(0);
});
