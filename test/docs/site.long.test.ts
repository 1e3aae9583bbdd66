import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium } from "../../scripts/chromium.mjs";
import { launchBrowser } from "../support/browser/browser.ts";

const SITE = ".cache/site";
const PHONE = { width: 390, height: 844 };
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".png": "image/png",
};

const chromium = await findChromium();
const reason = "missing" in chromium ? chromium.missing : undefined;
if (reason !== undefined && process.env["CI"]) throw new Error(`These tests need a Chromium: ${reason}`);

describe("the built documentation site", () => {
  let server: Server | undefined;
  let browser: Browser | undefined;
  let origin = "";
  const problems: string[] = [];

  beforeAll(async () => {
    // VitePress fails if a page links to a page that does not exist.
    await promisify(execFile)("npm", ["run", "docs"], { maxBuffer: 2 ** 26 });
    server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      const file = join(SITE, path.endsWith("/") ? `${path}index.html` : extname(path) === "" ? `${path}.html` : path);
      response.writeHead(existsSync(file) ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "text/plain" });
      response.end(existsSync(file) ? readFileSync(file) : "not found");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    origin = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
    if (reason === undefined) browser = await launchBrowser();
  }, 600_000);

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  /** Opens a tab. The errors of its pages, and their requests to other hosts, are collected. */
  async function openTab(viewport = { width: 1280, height: 720 }): Promise<Page> {
    if (browser === undefined) throw new Error("There is no browser");
    const page = await browser.newPage({ viewport });
    const report = (problem: string): unknown => problems.push(`${page.url()}: ${problem}`);
    page.on("pageerror", ({ message }) => report(message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) report(message.text());
    });
    page.on("request", (request) => {
      const { protocol, origin: to } = new URL(request.url());
      if (protocol.startsWith("http") && to !== origin) report(`request to ${request.url()}`);
    });
    return page;
  }

  /** Opens a page of the site in a new tab. */
  async function open(path: string): Promise<Page> {
    const page = await openTab();
    await page.goto(`${origin}${path}`, { waitUntil: "networkidle" });
    return page;
  }

  const pages = (): string[] =>
    readdirSync(SITE, { recursive: true, encoding: "utf8" }).filter(
      (path) => path.endsWith(".html") && !["404.html", "play.html"].includes(path),
    );

  it("lists for language models only pages that exist", () => {
    const links = [...readFileSync(join(SITE, "llms.txt"), "utf8").matchAll(/\]\((?<path>[^)]+)\)/g)];
    expect(links.length).toBeGreaterThan(20);
    expect(links.map(({ groups }) => groups?.["path"] ?? "").filter((path) => !existsSync(join(SITE, path)))).toEqual(
      [],
    );
  });

  it("contains every file and every anchor that its pages link to", () => {
    const html = new Map(pages().map((path) => [path, readFileSync(join(SITE, path), "utf8")]));
    const broken = [...html].flatMap(([from, text]) =>
      [...text.matchAll(/href="(?<href>[/#][^"]*)"/g)]
        .map(({ groups }) => groups?.["href"] ?? "")
        .filter((href) => {
          const [path = "", anchor] = href.split("#");
          const name =
            path === ""
              ? from
              : path.slice(1) === "" || path.endsWith("/")
                ? `${path.slice(1)}index.html`
                : path.slice(1);
          const target = html.get(name) ?? html.get(`${name}.html`);
          if (target === undefined) return !existsSync(join(SITE, name));
          // TypeDoc miscounts repeated names in its anchors.
          if (from.startsWith("api/")) return false;
          return anchor !== undefined && anchor !== "" && !target.includes(`id="${decodeURIComponent(anchor)}"`);
        })
        .map((href) => `${from}: ${href}`),
    );
    expect(broken).toEqual([]);
  });

  it.each([
    ["the programs of an example", "examples/nest-microservice.html", 'id="jetstream-transportts"'],
    ["what a function throws", "api/latchkey.html", "<p><code>TypeError</code> "],
  ])("shows %s", (_, path, html) => {
    expect(readFileSync(join(SITE, path), "utf8")).toContain(html);
  });

  it.skipIf(reason !== undefined)("finds a page by a word of its text", async () => {
    const page = await open("/");
    await page.getByRole("button", { name: "Search" }).first().click();
    await page.getByRole("searchbox").fill("pending");
    await page.locator(".results .result").first().waitFor();
    await page.locator(".results .result").first().click();
    await page.locator(".vp-doc h1").waitFor();
    expect((await page.locator(".vp-doc").innerText()).toLowerCase()).toContain("pending");
    await page.close();
    expect(problems.splice(0)).toEqual([]);
  });

  it.skipIf(reason !== undefined)("fits a state chart to the page, and shows it at full size on request", async () => {
    const page = await open("/design.html");
    const chart = ".diagram:has(img.chart)";
    const hidden = async () =>
      Number(
        await page.evaluate(
          `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector("${chart}"))`,
        ),
      );
    expect(await hidden()).toBe(0);
    await page.locator(chart).first().getByRole("checkbox", { name: "Full size" }).check();
    expect(await hidden()).toBeGreaterThan(0);
    await page.close();
    expect(problems.splice(0)).toEqual([]);
  });

  it.skipIf(reason !== undefined)("runs the live simulator", async () => {
    const page = await open("/simulator.html");
    const simulator = page.frameLocator("iframe");
    await simulator.getByRole("button", { name: "Run to the end" }).click();
    await simulator.getByText("every guarantee held").waitFor();
    await simulator.getByLabel("Handler").selectOption("get-then-put");
    await simulator.getByText("Both find nothing").waitFor();
    await page.close();
    expect(problems.splice(0)).toEqual([]);
  });

  it.skipIf(reason !== undefined)(
    "shows every page on a phone without errors and without scrolling sideways",
    async () => {
      const wide: string[] = [];
      const tab = await openTab(PHONE);
      for (const path of pages()) {
        await tab.goto(`${origin}/${path}`);
        // The page's script has run once it has mounted the application, which reports what it cannot show.
        await tab.waitForFunction("document.querySelector('#app')?.__vue_app__ !== undefined");
        const width = await tab.evaluate("document.documentElement.scrollWidth");
        if (width !== PHONE.width) wide.push(`${path} is ${String(width)} pixels wide`);
      }
      await tab.close();
      expect(wide).toEqual([]);
      expect(problems.splice(0)).toEqual([]);
    },
  );
});
