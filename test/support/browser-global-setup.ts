import { findChromium } from "../../scripts/chromium.mjs";
import { ensureBuilt } from "./built.ts";

/** Builds the page, and finds the browser once for the run; the workers inherit the environment. */
export async function setup(): Promise<void> {
  ensureBuilt();
  const found = await findChromium();
  if ("missing" in found) {
    process.env["LATCHKEY_CHROMIUM_MISSING"] = found.missing;
    console.log(`No Chromium: ${found.missing}`);
  } else {
    process.env["LATCHKEY_CHROMIUM"] = found.path;
    console.log(`Chromium ${found.version} (${found.source}): ${found.path}`);
  }
}
