import { isIP } from "node:net";

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

/** The name in a URL's host, IPv6 addresses without their brackets. */
export function nameOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Whether a page may have been loaded from that name. A name that others own can be made to lead here (DNS rebinding), and its page
 * would be of the same origin; an address can't.
 */
export function isOwnName(name: string, host: string): boolean {
  if (isLoopback(name)) return true;
  return !isLoopback(host) && (isIP(name) !== 0 || name === host.toLowerCase());
}
