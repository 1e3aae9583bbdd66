import { isIP } from "node:net";

/** Returns true if only this machine can reach a server at this address. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

/** Returns the host name of a URL, with IPv6 addresses without their brackets. */
export function nameOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Returns true if the inspector answers under a name: an address, or the configured name. A foreign name can resolve to this machine
 * (DNS rebinding), and its pages would share the origin.
 */
export function isOwnName(name: string, host: string): boolean {
  if (isLoopback(name)) return true;
  return !isLoopback(host) && (isIP(name) !== 0 || name === host.toLowerCase());
}
