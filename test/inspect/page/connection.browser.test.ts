import { expect, it } from "vitest";
import { serveInspector } from "../../../src/inspect/server/serve.ts";
import {
  atTheEnd,
  goTo,
  heldBy,
  inspected,
  newPage,
  takeProblems,
  useBrowser,
} from "../../support/browser/inspected.ts";

useBrowser();

it("a page whose server goes away says so, keeps what it has, and goes on when the server is back", async () => {
  const { page, dedup, inspector } = await inspected();
  await heldBy(dedup, "evt-1");
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();
  const { port } = new URL(inspector.url);
  await inspector.close();
  await page.getByText("The service has closed, or cannot be reached").waitFor();
  await page.getByRole("button", { name: /reserved.*1 now/ }).waitFor();

  const again = await serveInspector({ dedup, port: Number(port), token: "a-token-for-the-tests", name: "back again" });
  atTheEnd(() => again.close());
  await page.getByText("back again").waitFor();
  await page.getByText("The service has closed").waitFor({ state: "detached" });
  await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-2" }, () => "done");
  await page.getByText("Of 1 deliveries").waitFor();
  for (const problem of takeProblems())
    expect(problem).toMatch(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET/);
});

it("before anything was told, the page says whom it asks; without a server, that it goes on asking", async () => {
  const { page, inspector } = await inspected();
  await page.route("**/api/feed", (route) => route.abort());
  await page.reload();
  await page.getByRole("heading", { name: "The service cannot be reached" }).waitFor();
  await page.unroute("**/api/feed");
  await page.getByText("No event has come yet").waitFor();
  expect(inspector.url).toContain("#token=");
  takeProblems();
});

it("a server that others can reach shows nothing to a page without its token, and everything to one that has it", async () => {
  const { inspector, dedup, page } = await inspected({ inspector: { host: "0.0.0.0" } });
  await page.getByText("No event has come yet").waitFor();
  await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => "done");
  const { port } = new URL(inspector.url);
  const stranger = await newPage(`http://127.0.0.1:${port}`);
  await stranger.goto(`http://127.0.0.1:${port}/`);
  await stranger.getByRole("heading", { name: "The service does not let this page in" }).waitFor();
  await stranger.getByText("open the address as it was printed").waitFor();
  expect(await stranger.getByText("evt-1").count()).toBe(0);
  // Without TLS the browser does not believe one of the headers, and says so.
  expect(takeProblems().filter((problem) => !problem.includes("Cross-Origin-Opener-Policy"))).toEqual([
    expect.stringContaining("401"),
  ]);
  await goTo(page, "#/flights");
});

it("a store that cannot be watched is said to be so", async () => {
  const { store } = await inspected();
  const broken = {
    ...store,
    watch: () => {
      throw new Error("the bucket is gone");
    },
  };
  const { page } = await inspected({ inspector: { store: broken } });
  await page.getByText("The store cannot be watched.").waitFor();
  await page.getByText("Error: the bucket is gone").waitFor();
});
