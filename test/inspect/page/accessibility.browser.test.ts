import axe from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { goTo, heldBy, inspected, supersededOn, takeProblems, useBrowser } from "../../support/browser/inspected.ts";

useBrowser();

/** What axe finds serious on the page. */
async function seriousIn(page: Page): Promise<unknown> {
  // Between its styles and its motion the page has colours of neither.
  await page.evaluate(
    `Promise.all(document.getAnimations().map((one) => one.effect.getTiming().iterations === Infinity || one.finished))`,
  );
  await page.evaluate(axe.source);
  return page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(" | "))))`);
}

describe.each(["light", "dark"] as const)("in the %s theme", (colorScheme) => {
  it.each([
    { name: "a desk", viewport: { width: 1280, height: 720 } },
    { name: "a phone", viewport: { width: 390, height: 844 } },
  ])("axe finds nothing serious in any view, on $name", async ({ viewport }) => {
    const them = await inspected({ context: { colorScheme, viewport, reducedMotion: "reduce" } });
    const { page, dedup } = them;
    await page.getByText("No event has come yet").waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await supersededOn(them);
    await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => "done");
    await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => "again");
    await heldBy(dedup, "evt-3");
    await page.getByRole("button", { name: /reserved.*1 now/ }).click();
    await page.getByText("May have run twice", { exact: true }).waitFor();
    expect(await seriousIn(page)).toEqual([]);
    for (const [hash, text] of [
      ["#/flights", "1 reservation"],
      ["#/totals", "What was counted"],
      ["#/event/", "Which event?"],
    ] as const) {
      await goTo(page, hash);
      await page.getByText(text).first().waitFor();
      expect(await seriousIn(page)).toEqual([]);
    }
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByRole("button", { name: "Clear…" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await seriousIn(page)).toEqual([]);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await seriousIn(page)).toEqual([]);
    // That axe is put into the page by hand is against its policy, and so is what axe tries.
    takeProblems();
  });
});

it("nothing moves for those who want less motion", async () => {
  const { page, dedup } = await inspected({ context: { reducedMotion: "reduce" } });
  await heldBy(dedup, "evt-1");
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
  expect(await page.evaluate("document.getAnimations().length")).toBe(0);
});
