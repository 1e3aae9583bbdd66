import { setting } from "../../../env.ts";
import { CommandError } from "../../terminal/command-error.ts";

/**
 * Returns the proxy that the environment sets for a URL: `HTTP_PROXY` or `HTTPS_PROXY` by its scheme, or `ALL_PROXY`, unless
 * `NO_PROXY` lists its host.
 * @throws {CommandError} if the variable is not an http:// or https:// URL; the message does not repeat it, because it may contain a password.
 */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): URL | undefined {
  const scheme = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const name = [scheme, "ALL_PROXY"].flatMap(spellings).find((one) => setting(env, one) !== undefined);
  const proxy = name === undefined ? undefined : setting(env, name);
  const excluded = spellings("NO_PROXY")
    .map((one) => setting(env, one))
    .find((list) => list !== undefined);
  if (proxy === undefined || isExcluded(url, excluded ?? "")) return undefined;
  const address = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new CommandError(`${name} needs an http:// or https:// URL`);
  }
  return new URL(address);
}

/** Lower-case names take precedence, as in curl. */
function spellings(name: string): readonly string[] {
  return [name.toLowerCase(), name];
}

function isExcluded({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replaceAll(/^\[|\]$/g, "").toLowerCase();
  const effectivePort = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const [, name = "", onlyPort] = /^\[?(.+?)\]?(?::(\d+))?$/.exec(isAddress6(entry) ? `[${entry}]` : entry) ?? [];
      if (onlyPort !== undefined && onlyPort !== effectivePort) return false;
      const domain = name.replace(/^\*?\./, "");
      return host === domain || host.endsWith(`.${domain}`);
    });
}

/** An IPv6 address without brackets has no port. */
function isAddress6(entry: string): boolean {
  return entry.split(":").length > 2 && !entry.startsWith("[");
}
