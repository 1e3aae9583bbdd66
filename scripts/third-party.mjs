// The packages that the build copies into `dist/third-party`, so that an installation needs nothing but the core's dependencies.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export const THIRD_PARTY = [
  "@dagrejs/dagre",
  "canonicalize",
  "commander",
  "http-proxy-agent",
  "https-proxy-agent",
  "string-width",
];

/** Returns the name of a package's file, without its extension. @param {string} name */
export function fileNameOf(name) {
  return name.replace(/^@[^/]+\//, "");
}

/** Points the imports of a built folder at the copies. @param {string} dist */
export function linkThirdParty(dist) {
  for (const entry of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".js") || entry.startsWith("third-party")) continue;
    const file = join(dist, entry);
    const code = readFileSync(file, "utf8");
    const linked = code.replace(/(\bfrom\s*|\bimport\s*\(?\s*)"([^".][^"]*)"/g, (whole, before, name) => {
      if (!THIRD_PARTY.includes(name)) return whole;
      const target = relative(dirname(file), join(dist, "third-party", `${fileNameOf(name)}.js`));
      return `${before}"${target.split(sep).join("/")}"`;
    });
    if (linked !== code) writeFileSync(file, linked);
  }
}
