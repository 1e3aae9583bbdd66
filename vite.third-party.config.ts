import { defineConfig } from "vite";
import { fileNameOf, THIRD_PARTY } from "./scripts/third-party.mjs";

/** Copies packages into one file each, with a list of their licences. Minified code would be harder to audit. */
export default defineConfig({
  logLevel: "warn",
  publicDir: false,
  ssr: { noExternal: true, target: "node" },
  build: {
    ssr: true,
    target: "node20",
    minify: false,
    emptyOutDir: false,
    license: { fileName: "third-party/LICENSES.md" },
    rolldownOptions: {
      input: Object.fromEntries(THIRD_PARTY.map((name) => [fileNameOf(name), name])),
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "third-party/[name].js", chunkFileNames: "third-party/[name].js" },
    },
  },
});
