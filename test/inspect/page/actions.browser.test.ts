import { describe, expect, it } from "vitest";
import { goTo, heldBy, inspected, newPage, takeProblems, useBrowser } from "../../support/browser/inspected.ts";

useBrowser();

const event = { subscriptionId: "sub-1", eventId: "evt-1" };

describe("release", () => {
  it("says what will happen, and gives the key back once that is confirmed", async () => {
    const { page, dedup } = await inspected();
    await heldBy(dedup, "evt-1");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Release…" }).click();
    const dialog = page.getByRole("dialog", { name: "Take evt-1 from worker-a?" });
    await dialog.getByText("the event runs twice").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    expect((await dedup.peek(event))?.record.state).toBe("reserved");

    await page.getByRole("button", { name: "Release…" }).click();
    await dialog.getByRole("button", { name: "Release" }).click();
    await page.getByText("Released: the key is free").waitFor();
    await page.getByText("Nothing. The key is free.").waitFor();
    expect(await dedup.peek(event)).toBeUndefined();
    await page.getByText("Removed by hand: somebody removed what the key held").waitFor();
  });
});

describe("clear", () => {
  it("lets an event fire again that was dispatched", async () => {
    const { page, dedup } = await inspected();
    await dedup.guard(event, () => "done");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    const dialog = page.getByRole("dialog", { name: "Let evt-1 fire again?" });
    await dialog.getByText("Nothing is dispatched now").waitFor();
    await dialog.getByRole("button", { name: "Clear" }).click();
    await page.getByText("Cleared: the event can fire again").waitFor();
    expect(await dedup.guard(event, () => "again")).toMatchObject({ outcome: "dispatched" });
  });

  it("changes nothing when the key holds something else by now, and says so", async () => {
    const { page, dedup } = await inspected();
    await dedup.guard(event, () => "done");
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    await dedup.clear({ subscriptionId: "sub-1", eventId: "evt-1" });
    await dedup.guard(event, () => "again");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Clear" }).click();
    await dialog.getByText("The key does not hold that any more").waitFor();
    expect((await dedup.peek(event))?.record.state).toBe("committed");
    expect(takeProblems()).toEqual([expect.stringContaining("409")]);
  });
});

it("an inspector that is read-only has no such buttons, and says that it is", async () => {
  const { page, dedup } = await inspected({ inspector: { readOnly: true } });
  await dedup.guard(event, () => "done");
  await page.getByText("read-only").waitFor();
  await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  await page.getByText("What the store holds now").waitFor();
  await page.locator(".holds .chip").waitFor();
  expect(await page.getByRole("button", { name: /Clear|Release/ }).count()).toBe(0);
});

it("a page without the token shows everything, and says what is needed to change something", async () => {
  const { page, dedup, inspector } = await inspected();
  await dedup.guard(event, () => "done");
  const { origin } = new URL(inspector.url);
  const other = await newPage(origin);
  await other.goto(origin);
  await other.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  await other.getByText("To change anything, open the page by the address as it was printed").waitFor();
  expect(await other.getByRole("button", { name: /Clear|Release/ }).count()).toBe(0);
  await goTo(page, "#/");
});

it("the token is taken out of the address, and kept for a reload", async () => {
  const { page, dedup } = await inspected();
  await dedup.guard(event, () => "done");
  await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
  expect(page.url()).not.toContain("token");
  await page.reload();
  await page.getByRole("button", { name: "Clear…" }).waitFor();
});
