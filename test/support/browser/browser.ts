import { type Browser, type BrowserServer, chromium } from "playwright-core";
import { findChromium } from "../../../scripts/chromium.mjs";

const ARGS = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--mute-audio",
];

/** Launches a headless Chromium for one script. @throws {Error} If there is none, with the reason. */
export async function launchBrowser(): Promise<Browser> {
  const found = await findChromium();
  if ("missing" in found) throw new Error(found.missing);
  return chromium.launch({ executablePath: found.path, args: ARGS });
}

/** Launches a headless Chromium on loopback, to which several processes can connect. */
export function launchServer(executablePath: string): Promise<BrowserServer> {
  return chromium.launchServer({ executablePath, args: ARGS, host: "127.0.0.1" });
}
