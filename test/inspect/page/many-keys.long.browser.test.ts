import { expect, it } from "vitest";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { inspected, useBrowser } from "../../support/browser/inspected.ts";

useBrowser();

const MANY = 100_000;
const LEASE_MS = 3_600_000;

it("the table lists, filters and sorts 100,000 reservations, and renders only visible rows", async () => {
  const store = memoryStore();
  const keyOf = (number: number) =>
    resolveIdentity({ subscriptionId: `sub-${number % 7}`, eventId: `evt-${String(number).padStart(6, "0")}` });
  const atMs = Date.now();
  for (let number = 0; number < MANY; number += 1) {
    const { storeKey, workspaceId, subscriptionId, eventId } = keyOf(number);
    await store.put(
      storeKey,
      {
        v: 1,
        state: "reserved",
        owner: `worker-${number % 5}`,
        token: `token-${number}`,
        attempt: 1,
        fence: 0,
        leaseMs: LEASE_MS + number,
        atMs,
        workspaceId,
        subscriptionId,
        eventId,
      },
      { expected: 0, ttlMs: LEASE_MS },
    );
  }
  const { page } = await inspected({ inspector: { store }, hash: "#/in-flight" });
  await page.getByText("100,000 reservations").waitFor();
  const rows = page.locator("td.event a");
  const scrollTo = (top: string): Promise<unknown> =>
    page.evaluate(`{ const scroller = document.querySelector(".scroller"); scroller.scrollTo(0, ${top}); }`);
  expect(await rows.first().innerText()).toBe("evt-000000");
  expect(await rows.count()).toBeLessThan(60);

  await scrollTo("scroller.scrollHeight");
  await page.getByRole("link", { name: "evt-099999" }).waitFor();
  expect(await rows.count()).toBeLessThan(60);
  expect(await page.getByRole("row", { name: /evt-099999/ }).getAttribute("aria-rowindex")).toBe("100001");

  await page.getByLabel("Event", { exact: true }).fill("07777");
  await page.getByText("11 of 100,000 reservations").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("button", { name: "Event, key" }).click();
  await page.getByRole("button", { name: "Event, key" }).click();
  await scrollTo("0");
  await page.getByRole("link", { name: "evt-099999" }).waitFor();

  // A single change among many is sent alone, and rendered.
  const { storeKey } = keyOf(99_999);
  const entry = await store.get(storeKey);
  expect(entry).toBeDefined();
  await store.remove(storeKey, { expected: entry?.revision ?? 0 });
  await page.getByText("99,999 reservations").waitFor();
  await page.getByRole("link", { name: "evt-099999" }).waitFor({ state: "detached" });
});
