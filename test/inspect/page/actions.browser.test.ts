import { describe, expect, it } from "vitest";
import { goToHash, heldBy, inspected, newPage, useBrowser } from "../../support/browser/inspected.ts";

useBrowser();

const event = { subscriptionId: "sub-1", eventId: "evt-1" };

describe("clearing a reserved key", () => {
  it("explains the consequences, and frees the key after the confirmation", async () => {
    const { page, dedup } = await inspected();
    await heldBy(dedup, "evt-1");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    const dialog = page.getByRole("dialog", { name: "Clear evt-1, held by worker-a?" });
    await dialog.getByText("its event runs twice").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    expect((await dedup.peek(event))?.record.state).toBe("reserved");

    await page.getByRole("button", { name: "Clear…" }).click();
    await dialog.getByRole("button", { name: "Clear" }).click();
    await page.locator(".toast", { hasText: "Cleared" }).waitFor();
    await page.getByText("None. The key is free.").waitFor();
    expect(await dedup.peek(event)).toBeUndefined();
    await page.getByText("Cleared: an operator cleared the key").waitFor();
  });
});

describe("clearing a committed key", () => {
  it("lets its event be dispatched again", async () => {
    const { page, dedup } = await inspected();
    await dedup.guard(event, () => "done");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    const dialog = page.getByRole("dialog", { name: "Clear evt-1?" });
    await dialog.getByText("Nothing is dispatched now").waitFor();
    await dialog.getByRole("button", { name: "Clear" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(await dedup.guard(event, () => "again")).toMatchObject({ outcome: "dispatched" });
  });

  it("changes nothing and reports it if the key has changed", async () => {
    const { page, dedup } = await inspected();
    await dedup.guard(event, () => "done");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    await dedup.clear({ subscriptionId: "sub-1", eventId: "evt-1" });
    await dedup.guard(event, () => "again");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Clear" }).click();
    await dialog.getByText("0 of 1 cleared, 1 left unchanged").waitFor();
    expect((await dedup.peek(event))?.record.state).toBe("committed");
  });
});

it("a read-only inspector has no such buttons and shows that it is read-only", async () => {
  const { page, dedup } = await inspected({ inspector: { readOnly: true } });
  await dedup.guard(event, () => "done");
  await page.getByText("read-only").waitFor();
  await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  await page.getByText("Current record").waitFor();
  await page.locator(".record .chip").waitFor();
  expect(await page.getByRole("button", { name: "Clear…" }).count()).toBe(0);
});

it("a page without the token shows everything, and explains how to change keys", async () => {
  const { page, dedup, inspector } = await inspected();
  await dedup.guard(event, () => "done");
  const { origin } = new URL(inspector.url);
  const other = await newPage(origin);
  await other.goto(origin);
  await other.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  await other.getByText("To change keys, open the full address that was printed at the start").waitFor();
  expect(await other.getByRole("button", { name: "Clear…" }).count()).toBe(0);
  await goToHash(page, "#/");
});

it("the token is removed from the address and survives a reload, also in a browser without AbortSignal.any", async () => {
  const { page, dedup } = await inspected();
  await dedup.guard(event, () => "done");
  await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  expect(page.url()).not.toContain("token");
  await page.addInitScript("delete AbortSignal.any");
  await page.reload();
  await page.getByRole("button", { name: "Clear…" }).waitFor();
});
