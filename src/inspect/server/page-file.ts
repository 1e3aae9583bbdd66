import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { respond } from "./responses.ts";

/** Path of the built page, a single file. */
const BUILT = "dist/inspector.html";

/** The page, ready to be served. */
export interface PageFile {
  readonly html: string;
  /** Content security policy: only the page's own scripts and styles run, and it connects only to its server. */
  readonly policy: string;
}

/** Page of a checkout that was not built. */
const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Latchkey: the inspector's page has not been built</title>
<h1>The inspector's page has not been built</h1>
<p>This is a checkout of Latchkey in which <code>npm run build</code> has not run. Run it, then start the inspector again.</p>
</html>
`;

/** The page as it was built; one that says so where it was not. */
export async function loadPage(file = builtPage()): Promise<PageFile> {
  try {
    return toPageFile(await readFile(file, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return toPageFile(NOT_BUILT);
    throw error;
  }
}

function builtPage(): string {
  return join(createRequire(import.meta.url).resolve("latchkey/package.json"), "..", BUILT);
}

/** Returns a page with the policy that allows its inline scripts and styles. */
export function toPageFile(html: string): PageFile {
  const policy = [
    "default-src 'none'",
    `script-src ${hashesOf(html, "script")}`,
    `style-src ${hashesOf(html, "style")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return { html, policy };
}

function hashesOf(html: string, element: "script" | "style"): string {
  const contents = html.matchAll(new RegExp(`<${element}\\b[^>]*>(?<content>[\\s\\S]*?)</${element}>`, "g"));
  const sources = [...contents].map(({ groups }) => {
    const hash = createHash("sha256").update(groups?.["content"] ?? "");
    return `'sha256-${hash.digest("base64")}'`;
  });
  return sources.length === 0 ? "'none'" : sources.join(" ");
}

const HTML = "text/html; charset=utf-8";

export async function pageResponse({ html, policy }: PageFile, request: Request): Promise<Response> {
  if (!/\bgzip\b/.test(request.headers.get("accept-encoding") ?? "")) return respond(html, HTML, { policy });
  const headers = { "content-encoding": "gzip", vary: "accept-encoding" };
  return respond(await promisify(gzip)(html), HTML, { policy, headers });
}
