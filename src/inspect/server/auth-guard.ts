import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback, isOwnName, nameOf } from "./hosts.ts";
import { problem } from "./responses.ts";

/** Address and token of the server that the guard protects. */
export interface AuthGuardOptions {
  readonly host: string;
  readonly token: string;
}

/**
 * Admits requests from the server's own page, and from clients that are no page. Requests from another machine need the token, and
 * so does every change. The token is sent in a header, which pages of other origins cannot set, and never in a cookie.
 */
export class AuthGuard {
  readonly #host: string;
  readonly #token: Buffer;

  constructor({ host, token }: AuthGuardOptions) {
    this.#host = host;
    this.#token = digest(token);
  }

  /** Refuses a request for another host or from another site. */
  refuse(request: Request): Response | undefined {
    const url = new URL(request.url);
    if (!isOwnName(nameOf(url), this.#host)) {
      return problem("wrong-host", "The inspector does not answer under this host name. Open it by its address");
    }
    const site = request.headers.get("sec-fetch-site");
    const isForeign = site !== null && site !== "same-origin" && site !== "none";
    const isLink = url.pathname === "/" && request.headers.get("sec-fetch-mode") === "navigate";
    const origin = request.headers.get("origin");
    if ((isForeign && !isLink) || (origin !== null && !isOrigin(origin, url))) {
      return problem("wrong-origin", "Pages of other sites cannot send requests to the inspector");
    }
    return undefined;
  }

  /** Refuses to show recorded data to another machine without the token. */
  refuseToShow(request: Request): Response | undefined {
    return isLoopback(this.#host) || this.hasToken(request) ? undefined : tokenNeeded();
  }

  /** Refuses a change without the token, or from another origin. */
  refuseToChange(request: Request): Response | undefined {
    if (!this.hasToken(request)) return tokenNeeded();
    const origin = request.headers.get("origin");
    const isOwn = origin !== null && isOrigin(origin, new URL(request.url));
    return isOwn ? undefined : problem("wrong-origin", "Only the inspector's own page can change keys");
  }

  /** Compares in constant time. */
  hasToken(request: Request): boolean {
    const [, sent] = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    return sent !== undefined && timingSafeEqual(digest(sent), this.#token);
  }
}

function tokenNeeded(): Response {
  return problem(
    "token-needed",
    "The token is missing or wrong. Open the full address that was printed at the start, including the part after #",
  );
}

/** Compares only the host, because a proxy may have added TLS. */
function isOrigin(origin: string, { host }: URL): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
