import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback, isOwnName, nameOf } from "./hosts.ts";
import { problem } from "./responses.ts";

/** Who may see, and who may change. */
export interface AuthGuardOptions {
  readonly host: string;
  readonly token: string;
}

/**
 * Lets in whom it may. A request comes from a page of this very server or from no page at all; nobody sees anything from another
 * machine without the token, and nobody changes anything without it. The token is in a header, which no other page can set, and
 * never in a cookie, which every page would send.
 */
export class AuthGuard {
  readonly #host: string;
  readonly #token: Buffer;

  constructor({ host, token }: AuthGuardOptions) {
    this.#host = host;
    this.#token = digest(token);
  }

  /** Why the request is not for this server, or not of one of its pages; `undefined` when it is. */
  refuse(request: Request): Response | undefined {
    const url = new URL(request.url);
    if (!isOwnName(nameOf(url), this.#host)) {
      return problem("wrong-host", "This server is not known by that name: open it by its address");
    }
    const site = request.headers.get("sec-fetch-site");
    const isForeign = site !== null && site !== "same-origin" && site !== "none";
    const isLink = url.pathname === "/" && request.headers.get("sec-fetch-mode") === "navigate";
    const origin = request.headers.get("origin");
    if ((isForeign && !isLink) || (origin !== null && !isOrigin(origin, url))) {
      return problem("wrong-origin", "Another page may not ask this server");
    }
    return undefined;
  }

  /** Why what is recorded is not for who asks; `undefined` when it is. */
  refuseToShow(request: Request): Response | undefined {
    return isLoopback(this.#host) || this.hasToken(request) ? undefined : tokenNeeded();
  }

  /** Why who asks may not change anything; `undefined` when they may. */
  refuseToChange(request: Request): Response | undefined {
    if (!this.hasToken(request)) return tokenNeeded();
    const origin = request.headers.get("origin");
    const isOwn = origin !== null && isOrigin(origin, new URL(request.url));
    return isOwn ? undefined : problem("wrong-origin", "Only a page of this server may change anything");
  }

  /** Compares in a time that does not tell how much was right. */
  hasToken(request: Request): boolean {
    const [, given] = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    return given !== undefined && timingSafeEqual(digest(given), this.#token);
  }
}

function tokenNeeded(): Response {
  return problem(
    "token-needed",
    "The token is needed: open the address as it was printed, with what stands behind the #",
  );
}

/** A proxy may have added TLS, so that only the host is compared. */
function isOrigin(origin: string, { host }: URL): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
