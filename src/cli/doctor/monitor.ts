import { errorMessage } from "../../internal/error-message.ts";
import { isObject } from "../../internal/is-object.ts";
import { printable } from "../terminal/printable.ts";

/** Report of a server's monitoring port. */
export type MonitorReport =
  | { readonly name: string; readonly syncIntervalMs: number; readonly isSyncedAlways: boolean }
  | { readonly url: string; readonly failure: string };

const TIMEOUT_MS = 5_000;
const NANOS_A_MS = 1_000_000;

/** Reads the monitoring ports; commas separate the URLs. Never throws. */
export async function askMonitors(urls: string | undefined): Promise<readonly MonitorReport[]> {
  const all = (urls ?? "")
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
  return Promise.all(
    all.map(async (url, index): Promise<MonitorReport> => {
      const answer = await askMonitor(url);
      return "failure" in answer && mayBePassword(url, all[index + 1]) ? { ...answer, url: UNNAMED } : answer;
    }),
  );
}

/** A URL that is malformed may contain a password anywhere, so no report repeats it. */
const UNNAMED = "a monitoring port";

/** Returns true for the beginning of `http://user:pass,word@host`, which looks like a host and a port. */
function mayBePassword(url: string, next = ""): boolean {
  return !url.includes("@") && next.includes("@") && !next.includes("://");
}

/** Sends user and password of a URL as a header. Neither the URL in the report nor an error contains them. */
async function askMonitor(text: string): Promise<MonitorReport> {
  const full = `${text.includes("://") ? text : `http://${text}`}/`;
  if (!URL.canParse("varz", full)) return { url: UNNAMED, failure: "its URL needs the form http://host:port" };
  const address = new URL("varz", full);
  const { username, password } = address;
  address.username = "";
  address.password = "";
  const url = address.origin;
  const secret = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString("base64");
  try {
    const response = await fetch(address, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: username === "" ? {} : { authorization: `Basic ${secret}` },
    });
    if (!response.ok) return { url, failure: `it answered ${response.status}` };
    return readVarz(await response.json(), url);
  } catch (error) {
    return { url, failure: printable(errorMessage(error)) };
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function readVarz(varz: unknown, url: string): MonitorReport {
  const config = field(field(varz, "jetstream"), "config");
  const interval = field(config, "sync_interval");
  if (typeof interval !== "number") return { url, failure: "the server reports no JetStream configuration" };
  const name = field(varz, "server_name");
  return {
    name: typeof name === "string" ? printable(name) : url,
    syncIntervalMs: interval / NANOS_A_MS,
    isSyncedAlways: field(config, "sync_always") === true,
  };
}

function field(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}
