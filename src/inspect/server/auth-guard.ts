import { createHash, timingSafeEqual } from "node:crypto";
import { errorResponse } from "./responses.ts";

/** Decides whether a request may see anything, such as by a session of the surrounding application. */
export type Authorize = (request: Request) => boolean | Promise<boolean>;

export interface AuthGuardOptions {
  /** Returns true for the host names under which the inspector answers. */
  readonly isOwnHost: (url: URL) => boolean;
  /** Origins of the page, besides that of the request's host. */
  readonly allowedOrigins: readonly string[];
  /** Replaces the token. */
  readonly authorize: Authorize | undefined;
  readonly token: string;
  /** True if only this machine can send requests, so that reading needs no token. */
  readonly isLocal: boolean;
}

/**
 * Admits requests from the inspector's own page, and from clients that are no page. Every change needs the token or `authorize`, and
 * so does reading from another machine. The token is sent in a header, which pages of other origins cannot set, and never in a cookie.
 */
export class AuthGuard {
  readonly #options: AuthGuardOptions;
  readonly #token: Buffer;

  constructor(options: AuthGuardOptions) {
    this.#options = options;
    this.#token = digest(options.token);
  }

  /** True if changes need the token. */
  get needsToken(): boolean {
    return this.#options.authorize === undefined;
  }

  /** Refuses a request for another host, from another site, or without authorisation. `isPage` is true for the page itself. */
  async refuse(request: Request, isPage: boolean): Promise<Response | undefined> {
    const { isOwnHost, authorize } = this.#options;
    const url = new URL(request.url);
    if (!isOwnHost(url)) {
      return errorResponse("wrong-host", "The inspector does not answer under this host name. Open it by its address");
    }
    const site = request.headers.get("sec-fetch-site");
    const isForeign = site !== null && site !== "same-origin" && site !== "none";
    const isLink = isPage && request.headers.get("sec-fetch-mode") === "navigate";
    const origin = request.headers.get("origin");
    if ((isForeign && !isLink) || (origin !== null && !this.#isOwnOrigin(origin, url))) {
      return errorResponse("wrong-origin", "Pages of other sites cannot send requests to the inspector");
    }
    if (authorize !== undefined && !(await authorize(request))) {
      return errorResponse("forbidden", "You may not use this inspector. Sign in to the application that contains it");
    }
    return undefined;
  }

  /** Refuses to show recorded data to another machine without the token. */
  refuseToShow(request: Request): Response | undefined {
    const { authorize, isLocal } = this.#options;
    return authorize !== undefined || isLocal || this.hasToken(request) ? undefined : tokenNeeded();
  }

  /** Refuses a change without the token, or from another origin. */
  refuseToChange(request: Request): Response | undefined {
    if (this.needsToken && !this.hasToken(request)) return tokenNeeded();
    const origin = request.headers.get("origin");
    const isOwn = origin !== null && this.#isOwnOrigin(origin, new URL(request.url));
    return isOwn ? undefined : errorResponse("wrong-origin", "Only the inspector's own page can change keys");
  }

  /** Compares in constant time. */
  hasToken(request: Request): boolean {
    const [, sent] = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    return sent !== undefined && timingSafeEqual(digest(sent), this.#token);
  }

  /** Compares only the host with the request's, because a proxy may have added TLS. */
  #isOwnOrigin(origin: string, { host }: URL): boolean {
    if (!URL.canParse(origin)) return false;
    const given = new URL(origin);
    return given.host === host || this.#options.allowedOrigins.includes(given.origin);
  }
}

function tokenNeeded(): Response {
  return errorResponse(
    "token-needed",
    "The token is missing or wrong. Open the full address that was printed at the start, including the part after #",
  );
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
