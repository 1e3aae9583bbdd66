import type { TestProject } from "vitest/node";
import { findChromium } from "../../scripts/chromium.mjs";
import { launchServer } from "./browser/browser.ts";
import { ensureBuilt } from "./built.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Address of the browser that all test files share. */
    browserEndpoint: string;
  }
}

/** Builds the page and starts one browser for all workers. Returns the function that stops it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  ensureBuilt();
  const found = await findChromium();
  if ("missing" in found) {
    process.env["LATCHKEY_CHROMIUM_MISSING"] = found.missing;
    console.log(`No Chromium: ${found.missing}`);
    return async () => {};
  }
  console.log(`Chromium ${found.version} (${found.source}): ${found.path}`);
  const server = await launchServer(found.path);
  project.provide("browserEndpoint", server.wsEndpoint());
  return () => server.close();
}
