import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { atTheEnd, inspected, newPage, takeProblems, useBrowser } from "../../support/browser/inspected.ts";

useBrowser();

const event = { subscriptionId: "sub-1", eventId: "evt-1" };

/** Serves a page from another origin. */
async function otherSite(): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Elsewhere</title>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atTheEnd(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no address");
  return `http://localhost:${address.port}`;
}

describe("a page of another site", () => {
  it("can neither read nor change anything, even with the token", async () => {
    const { inspector, dedup } = await inspected();
    await dedup.guard(event, () => "done");
    const { origin } = new URL(inspector.url);
    const site = await otherSite();
    const stranger = await newPage(site);
    await stranger.goto(site);
    const tried = await stranger.evaluate(`(async () => {
      const reached = [];
      for (const path of ["/", "/api/feed", "/api/recording", "/api/event?subscriptionId=sub-1&eventId=evt-1"]) {
        await fetch(${JSON.stringify(origin)} + path).then(() => reached.push(path), () => {});
        const { type, status } = await fetch(${JSON.stringify(origin)} + path, { mode: "no-cors" }).catch(() => ({ type: "error", status: 0 }));
        if (type !== "opaque" && type !== "error") reached.push(type + status);
      }
      const order = { method: "POST" };
      const headers = { authorization: "Bearer a-token-for-the-tests" };
      for (const more of [{}, { mode: "no-cors" }, { headers }]) {
        await fetch(${JSON.stringify(origin)} + "/api/remove?key=any:2", { ...order, ...more }).then(({ type }) => {
          if (type !== "opaque") reached.push("/api/remove");
        }, () => {});
      }
      return reached;
    })()`);
    expect(tried).toEqual([]);
    expect((await dedup.peek(event))?.record.state).toBe("committed");
    takeProblems();
  });

  it("can link to the page, but cannot frame it", async () => {
    const { inspector } = await inspected();
    const { origin } = new URL(inspector.url);
    const site = await otherSite();
    const stranger = await newPage(site);
    await stranger.goto(site);
    await stranger.evaluate(`new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.src = ${JSON.stringify(`${origin}/`)};
      frame.onload = resolve;
      document.body.append(frame);
    })`);
    const [, frame] = stranger.frames();
    expect(await frame?.evaluate("document.body.innerText").catch(() => "")).not.toContain("Latchkey");
    await stranger.evaluate(`location.assign(${JSON.stringify(`${origin}/`)})`);
    await stranger.getByRole("heading", { name: "Latchkey" }).waitFor();
    takeProblems();
  });

  it("gets no answer under a rebound DNS name", async () => {
    const { inspector } = await inspected();
    const { port } = new URL(inspector.url);
    const stranger = await newPage(`http://evil.localhost:${port}`);
    // Chromium resolves every name under localhost to this machine, like a rebound name.
    const response = await stranger.goto(`http://evil.localhost:${port}/`);
    expect(response?.status()).toBe(421);
    takeProblems();
  });
});

describe("the page itself", () => {
  it("runs only its own scripts, and connects only to its server", async () => {
    const { page } = await inspected();
    await page.getByText("No event has arrived yet").waitFor();
    const ran = await page.evaluate(`(async () => {
      const broken = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => broken.push(effectiveDirective));
      const script = document.createElement("script");
      try { script.textContent = "globalThis.ran = true"; document.head.append(script); } catch { broken.push("trusted-types"); }
      const image = new Image();
      image.src = "http://127.0.0.1:9/x.png";
      await fetch("http://127.0.0.1:9/").catch(() => {});
      document.body.setAttribute("style", "color: red");
      await new Promise((resolve) => setTimeout(resolve));
      return { ran: globalThis.ran === true, broken: [...new Set(broken)].sort() };
    })()`);
    expect(ran).toEqual({
      ran: false,
      broken: expect.arrayContaining(["connect-src", "img-src", "style-src-attr"]),
    });
    takeProblems();
  });

  it("shows no result and no payload", async () => {
    const { page, dedup } = await inspected({ hash: "#/event/" });
    await dedup.guard({ ...event }, () => "the secret result", { keepResult: true });
    await page.locator(".recent").getByRole("link", { name: "evt-1" }).first().click();
    await page.getByText("kept, not shown here").waitFor();
    expect(await page.content()).not.toContain("the secret result");
  });
});
