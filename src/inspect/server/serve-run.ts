import { randomBytes } from "node:crypto";
import { AuthGuard } from "./auth-guard.ts";
import { isLoopback, nameOf } from "./hosts.ts";
import { listen } from "./listen.ts";
import { loadPage, type PageFile, pageResponse } from "./page-file.ts";
import { errorResponse, respond } from "./responses.ts";

/** A recorded run: a recording of the inspector, or a history of the testing kit. */
export interface RunFile {
  readonly name: string;
  readonly text: string;
}

/** A page that shows one run. Disposing it stops its server. */
export interface ServedRun extends AsyncDisposable {
  readonly url: string;
}

const HOST = "127.0.0.1";

/** Serves the inspector's page with an opened run, to this machine only. @throws {Error} if the server cannot listen on the port. */
export async function serveRun(run: RunFile, port: number): Promise<ServedRun> {
  const server = await listen(recordedRunHandler(run, await loadPage()), { host: HOST, port });
  return { url: `${server.origin}/`, [Symbol.asyncDispose]: () => server.close() };
}

function recordedRunHandler({ name, text }: RunFile, page: PageFile): (request: Request) => Promise<Response> {
  const authGuard = new AuthGuard({
    isOwnHost: (url) => isLoopback(nameOf(url)),
    allowedOrigins: [],
    authorize: undefined,
    // No route changes anything, so the token is never used.
    token: randomBytes(24).toString("base64url"),
    isLocal: true,
  });
  const html = page.html.replace(
    "<head>",
    () => `<head>\n    <meta name="latchkey-run" content="${escapedHtml(name)}" />`,
  );
  return async (request) => {
    const { pathname } = new URL(request.url);
    const refusal = await authGuard.refuse(request, pathname === "/");
    if (refusal !== undefined) return refusal;
    if (pathname !== "/" && pathname !== "/api/run") return errorResponse("not-found", "This address does not exist");
    if (request.method !== "GET")
      return errorResponse("wrong-method", "This address supports only GET", { allow: "GET" });
    return pathname === "/" ? pageResponse({ ...page, html }, request) : respond(text, "application/x-ndjson");
  };
}

function escapedHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
