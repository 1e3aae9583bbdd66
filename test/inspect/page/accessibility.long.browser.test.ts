import axe from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import {
  goToHash,
  heldBy,
  inspected,
  supersededOn,
  takeProblems,
  useBrowser,
} from "../../support/browser/inspected.ts";

useBrowser();

/** Returns the serious violations that axe finds on the page in both themes. Only the contrast of colours differs between them. */
async function seriousIn(page: Page): Promise<unknown[]> {
  const inLight = await violationsIn(page, "light", "");
  return [...inLight, ...(await violationsIn(page, "dark", `runOnly: ["color-contrast"],`))];
}

async function violationsIn(page: Page, colorScheme: "light" | "dark", rules: string): Promise<unknown[]> {
  await page.emulateMedia({ colorScheme });
  // Colours are mixed during a transition, so the check waits for its end.
  await page.evaluate(
    `Promise.all(document.getAnimations().map((one) => one.effect.getTiming().iterations === Infinity || one.finished))`,
  );
  if (await page.evaluate(`typeof axe === "undefined"`)) await page.evaluate(axe.source);
  return page.evaluate<unknown[]>(`axe.run(document, { ${rules} resultTypes: ["violations"] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(" | "))))`);
}

describe("the page", () => {
  it.each([
    { name: "a desktop", viewport: { width: 1280, height: 720 } },
    { name: "a phone", viewport: { width: 390, height: 844 } },
  ])("has no serious accessibility violation in any view and theme on $name", async ({ viewport }) => {
    const them = await inspected({ context: { viewport, reducedMotion: "reduce" } });
    const { page, dedup } = them;
    await page.getByText("No event has arrived yet").waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await supersededOn(them);
    await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => "done");
    await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => "again");
    await heldBy(dedup, "evt-3");
    await page.getByRole("button", { name: /reserved.*1 now/ }).click();
    await page.getByText("May have run twice", { exact: true }).waitFor();
    expect(await seriousIn(page)).toEqual([]);
    for (const [hash, text] of [
      ["#/in-flight", "1 reservation"],
      ["#/keys", "All keys"],
      ["#/totals", "Totals by type"],
      ["#/event/", "Find an event"],
    ] as const) {
      await goToHash(page, hash);
      await page.getByText(text).first().waitFor();
      expect(await seriousIn(page)).toEqual([]);
    }
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await seriousIn(page)).toEqual([]);
    // Injecting axe violates the content security policy, and so do some of its checks.
    takeProblems();
  });
});

it("the page has no animation for users who prefer reduced motion", async () => {
  const { page, dedup } = await inspected({ context: { reducedMotion: "reduce" } });
  await heldBy(dedup, "evt-1");
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
  expect(await page.evaluate("document.getAnimations().length")).toBe(0);
});
