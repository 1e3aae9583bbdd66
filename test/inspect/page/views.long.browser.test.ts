import { buffer as readAll } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import {
  goToHash,
  heldBy,
  inspected,
  replica,
  supersededOn,
  textOf,
  useBrowser,
} from "../../support/browser/inspected.ts";

useBrowser();

const event = { subscriptionId: "sub-1", eventId: "evt-1" };

describe("the overview", () => {
  it("sums up all deliveries in a sentence, and keeps it up to date", async () => {
    const { page, dedup } = await inspected();
    await page.getByText("No event has arrived yet").waitFor();
    await dedup.guard(event, () => "done");
    await dedup.guard(event, () => "again");
    await page.getByText("Of 2 deliveries, 1 was dispatched").waitFor();
    expect(await textOf(page, ".summary-text .duplicate")).toBe("1");
    await dedup.guard({ ...event, eventId: "evt-2" }, () => "done");
    await page.getByText("Of 3 deliveries, 2 were dispatched").waitFor();
  });

  it("counts the attempts in a state, the total of a final state, and each transition", async () => {
    const { page, dedup } = await inspected();
    const finish = await heldBy(dedup, "evt-1");
    await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
    await finish();
    await page.getByRole("button", { name: /reserved.*0 now/ }).waitFor();
    await page.locator(".line-group.taken .lit").first().waitFor({ state: "attached" });
    await page.getByText("The machine as a table").click();
    const row = page.getByRole("row", { name: "unseen.claiming write.acked reserved 1" });
    await row.waitFor();
    expect(await textOf(page, ".state.dispatched .attempts-in")).toBe("1");
  });

  it("expands and collapses a state by click and by keyboard", async () => {
    const { page } = await inspected();
    const reserved = page.getByRole("button", { name: /reserved/ });
    await reserved.click();
    await page.getByRole("button", { name: /dispatching/ }).waitFor();
    await page.getByRole("button", { name: /dispatching/ }).click();
    await page.locator(".machine .name", { hasText: "renewing" }).waitFor();
    await reserved.focus();
    await page.keyboard.press("Enter");
    await page.locator(".machine .name", { hasText: "renewing" }).waitFor({ state: "detached" });
    expect(await reserved.getAttribute("aria-expanded")).toBe("false");
  });

  it("lists the latest events with links", async () => {
    const { page, dedup } = await inspected();
    await dedup.guard(event, () => "done");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("heading", { name: "evt-1" }).waitFor();
  });
});

describe("the view of attempts in flight", () => {
  it("shows the key, owner, attempt, fence and remaining lease of each reservation", async () => {
    const { page, dedup } = await inspected({ hash: "#/in-flight" });
    await page.getByText("Nothing is in flight").waitFor();
    const finish = await heldBy(dedup, "evt-1");
    const row = page.getByRole("row", { name: /evt-1/ });
    await row.waitFor();
    const cells = await row.getByRole("cell").allInnerTexts();
    expect(cells[0]).toMatch(/^evt-1\s+\S{6,}…$/);
    expect(cells.slice(1, 6)).toEqual(["sub-1\ndefault", "worker-a", "1", "1", "running"]);
    expect(cells[7]).toMatch(/^(60|5\d) s$/);
    await finish();
    await row.waitFor({ state: "detached" });
  });

  it("filters by each field, and shows how many reservations match", async () => {
    const them = await inspected({ hash: "#/in-flight" });
    const { page, dedup } = them;
    const other = replica(them, "worker-b");
    await heldBy(dedup, "evt-1", "sub-1");
    await heldBy(dedup, "evt-2", "sub-2");
    await heldBy(other, "evt-3", "sub-2");
    const shown = page.locator("td.event a");
    await page.getByText("3 reservations").waitFor();
    const filtered = async (name: string, text: string): Promise<readonly string[]> => {
      await page.getByLabel(name, { exact: true }).fill(text);
      await page.getByText("of 3 reservations").waitFor();
      const events = await shown.allInnerTexts();
      await page.getByRole("button", { name: "Show all" }).click();
      return events.sort();
    };
    expect(await filtered("Event", "evt-2")).toEqual(["evt-2"]);
    expect(await filtered("Subscription", "SUB-2")).toEqual(["evt-2", "evt-3"]);
    expect(await filtered("Owner", "worker-b")).toEqual(["evt-3"]);
    expect(await filtered("Workspace", "elsewhere")).toEqual([]);
    await page.locator("select").selectOption("committing");
    await page.getByText("No reservation matches the filter").waitFor();
  });

  it("sorts by a column in both directions", async () => {
    const { page, dedup } = await inspected({ hash: "#/in-flight" });
    for (const id of ["evt-b", "evt-c", "evt-a"]) await heldBy(dedup, id);
    await page.getByText("3 reservations").waitFor();
    const shown = page.locator("td.event a");
    await page.getByRole("button", { name: "Event, key" }).click();
    await page.getByRole("columnheader", { name: "Event, key" }).and(page.locator("[aria-sort=ascending]")).waitFor();
    expect(await shown.allInnerTexts()).toEqual(["evt-a", "evt-b", "evt-c"]);
    await page.getByRole("button", { name: "Event, key" }).click();
    expect(await shown.allInnerTexts()).toEqual(["evt-c", "evt-b", "evt-a"]);
  });
});

describe("the view of one event", () => {
  it("shows the timeline over replicas, why the last delivery was suppressed, and the record", async () => {
    const them = await inspected();
    const { page, dedup } = them;
    const other = replica(them, "worker-b");
    const finish = await heldBy(dedup, "evt-1");
    await other.guard(event, () => "never");
    await goToHash(page, "#/");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByText("Pending: worker-a was dispatching the event").waitFor();
    await page.getByText("The next delivery is pending").waitFor();
    await finish();
    await page.getByText("Dispatched: the handler on worker-a succeeded at attempt 1").waitFor();
    await other.guard(event, () => "never");
    await page.getByText(/Suppressed: worker-a had dispatched and committed the event/).waitFor();
    expect(await page.locator(".timeline td.what .word").allInnerTexts()).toEqual([
      "reserved",
      "pending",
      "handler done",
      "committed",
      "duplicate",
    ]);
    expect(await page.locator(".lanes li").allInnerTexts()).toEqual(["1 worker-a", "2 worker-b"]);
    expect(await textOf(page, ".record .chip")).toBe("committed");
  });

  it("shows the error of a failed dispatch, and that the event is tried again", async () => {
    const { page, dedup } = await inspected();
    const finish = await heldBy(dedup, "evt-1");
    await finish(new Error("the endpoint answered 503"));
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByText("Failed: the handler on worker-a failed (Error: the endpoint answered 503)").waitFor();
    await page.getByText("None. The key is free.").waitFor();
    await goToHash(page, "#/keys?state=failed");
    await page.getByText("1 failed event", { exact: true }).waitFor();
    const row = page.getByRole("row", { name: /evt-1/ });
    await row.getByText("Error: the endpoint answered 503").waitFor();
  });

  it("opens after a search by keyboard", async () => {
    const { page, dedup } = await inspected();
    await dedup.guard({ ...event, eventId: "order-4711-paid" }, () => "done");
    await page.locator(".recent li").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("4711");
    await page.getByRole("option", { name: /order-4711-paid/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "order-4711-paid" }).waitFor();
  });

  it("shows an event that was never recorded after a lookup by identity", async () => {
    const { page, store, inspector } = await inspected({ hash: "#/event/" });
    expect(inspector.url).toContain("127.0.0.1");
    const unseen = new Deduplicator({ store, owner: "elsewhere" });
    await unseen.guard(event, () => "done");
    await unseen.close();
    await page.getByLabel("Subscription").fill("sub-1");
    await page.getByRole("textbox", { name: "Event", exact: true }).fill("evt-1");
    await page.getByRole("button", { name: "Look up", exact: true }).click();
    await page.getByText(/Dispatched: elsewhere committed the event/).waitFor();
  });
});

describe("the view of all keys", () => {
  const identityOf = (number: number) => ({ subscriptionId: `sub-${number % 2}`, eventId: `evt-${number}` });

  it("lists committed keys, filters and sorts them, and has an address for each page", async () => {
    const { page, dedup } = await inspected({ hash: "#/keys" });
    await page.getByText("The store contains no key.").waitFor();
    for (let number = 100; number < 230; number += 1) await dedup.guard(identityOf(number), () => "done");
    await page.getByText("130 keys", { exact: true }).waitFor();
    await page.getByRole("link", { name: "sub-1 65" }).click();
    await page.getByText("65 of 130 keys").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    const shown = page.locator("td.event a");
    await page.getByRole("button", { name: "Event, key" }).click();
    await page.getByRole("link", { name: "evt-100" }).waitFor();
    await page.getByRole("link", { name: "Next" }).click();
    await page.getByText("page 2 of 2").waitFor();
    expect(page.url()).toContain("sort=event");
    expect(page.url()).toContain("page=2");
    await page.getByRole("link", { name: "evt-229" }).waitFor();
    expect(await shown.count()).toBe(30);
    await page.reload();
    await page.getByRole("link", { name: "evt-229" }).waitFor();
    await page.getByLabel("Event", { exact: true }).fill("T-15");
    await page.getByText("10 of 130 keys").waitFor();
    await page.getByRole("link", { name: "evt-155" }).click();
    await page.getByRole("heading", { name: "evt-155" }).waitFor();
  });

  it("shows the same event in another subscription, which was never recorded", async () => {
    const { page, store } = await inspected();
    const unseen = new Deduplicator({ store, owner: "elsewhere" });
    for (const subscriptionId of ["sub-1", "sub-2"]) await unseen.guard({ subscriptionId, eventId: "evt-9" }, () => "");
    await unseen.close();
    await page.getByRole("combobox").fill("evt-9");
    await page.getByRole("option", { name: /evt-9.*sub-1/ }).click();
    await page.getByRole("heading", { name: "Same event elsewhere" }).waitFor();
    await page.getByRole("link", { name: /subscription sub-2/ }).click();
    await page.getByText(/subscription sub-2, workspace/).waitFor();
  });
});

it("invisible characters of an id are visible, and neither a very long id nor many events break the layout", async () => {
  const { page, dedup } = await inspected({ hash: "#/in-flight" });
  await heldBy(dedup, "evt\u202e-1\u200b");
  await heldBy(dedup, "x".repeat(10_000));
  for (let number = 0; number < 40; number += 1) {
    await dedup.guard({ subscriptionId: "sub-1", eventId: `order-of-a-customer-${number}` }, () => "done");
  }
  await page.getByRole("link", { name: "evt\\u{202e}-1\\u{200b}" }).waitFor();
  for (const hash of ["#/in-flight", "#/keys", "#/", "#/totals"]) {
    await goToHash(page, hash);
    await page.getByRole("heading").nth(1).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(await page.evaluate("document.documentElement.scrollHeight <= innerHeight")).toBe(true);
  }
});

describe("the view of totals", () => {
  it("counts each type of event, and lists what needs attention", async () => {
    const them = await inspected({ hash: "#/totals" });
    const { page, dedup } = them;
    await dedup.guard(event, () => "done");
    await supersededOn(them, "evt-3");
    await page
      .getByRole("listitem")
      .filter({ hasText: "May have run twice" })
      .getByRole("link", { name: "evt-3" })
      .waitFor();
    expect(await page.title()).toBe("(1) tests · Latchkey");
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const finish = await heldBy(dedup, "evt-2");
      await finish(new Error("no"));
    }
    await page.getByRole("row", { name: /^committed .* 2$/ }).waitFor();
    await page.getByRole("button", { name: "failures 4" }).waitFor();
    const button = page.getByRole("button", { name: "dispatched 2" });
    await button.click();
    expect(await button.getAttribute("aria-pressed")).toBe("false");
  });

  it("saves the recording, which opens again", async () => {
    const { page, dedup } = await inspected({ hash: "#/totals" });
    await dedup.guard(event, () => "done");
    await page.getByRole("row", { name: /^committed/ }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save the recording" }).click(),
    ]);
    const buffer = await readAll(await download.createReadStream());
    await page
      .locator("input[type=file]")
      .setInputFiles({ name: "saved.ndjson", mimeType: "application/x-ndjson", buffer });
    await page.getByText(/3 events/).waitFor();
  });
});

describe("the keyboard", () => {
  it("opens every view and the help, and switches the theme", async () => {
    const { page } = await inspected();
    await page.getByText("No event has arrived yet").waitFor();
    for (const [key, name] of [
      ["2", "In flight"],
      ["3", "All keys"],
      ["4", "Find an event"],
      ["5", "Totals by type"],
      ["1", "Lifecycle of a key"],
    ] as const) {
      await page.keyboard.press(key);
      await page.getByRole("heading", { name }).waitFor();
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "What Latchkey does" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("d");
    await page.locator(":root[data-theme=dark]").waitFor();
    await page.reload();
    await page.locator(":root[data-theme=dark]").waitFor();
  });

  it("moves through the table of attempts in flight", async () => {
    const { page, dedup } = await inspected({ hash: "#/in-flight" });
    for (const id of ["evt-1", "evt-2"]) await heldBy(dedup, id);
    await page.getByText("2 reservations").waitFor();
    await page.getByRole("region", { name: "Reservations in flight" }).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "evt-2" }).waitFor();
  });
});

it("the page follows the system's theme until the user chooses one", async () => {
  const { page } = await inspected({ context: { colorScheme: "dark" } });
  await page.locator(":root[data-theme=dark]").waitFor();
  await page.emulateMedia({ colorScheme: "light" });
  await page.locator(":root[data-theme=light]").waitFor();
});
