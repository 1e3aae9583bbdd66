import { defineConfig, type Plugin } from "vite";

/**
 * Builds a page as one file with inline scripts and styles: the inspector's, or with `--mode play` the live simulator's. The
 * simulator runs the library itself.
 */
export default defineConfig(({ mode }) => ({
  root: mode === "play" ? "src/cli/play/page" : "src/inspect/page",
  logLevel: "warn",
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [inOneFile(mode === "play" ? "play.html" : "inspector.html")],
  build: { target: "es2022", emptyOutDir: false, assetsInlineLimit: 0, modulePreload: false },
}));

/** Inlines everything that the page refers to. The server allows the scripts and styles by their hashes. */
function inOneFile(fileName: string): Plugin {
  return {
    name: "in-one-file",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("Vite did not build index.html");
      const used: string[] = [];
      const contentOf = (path: string): string => {
        const file = bundle[path];
        if (file === undefined) throw new Error(`The page refers to ${path}, which Vite did not build`);
        used.push(path);
        return file.type === "chunk" ? file.code : String(file.source);
      };
      const html = String(page.source)
        .replace(/<script type="module"[^>]* src="\/([^"]+)"><\/script>/g, (_tag, path: string) => {
          const code = contentOf(path).trim().replaceAll("</script", "<\\/script");
          return `<script type="module">${code}</script>`;
        })
        .replace(
          /<link rel="stylesheet"[^>]* href="\/([^"]+)">/g,
          (_tag, path: string) => `<style>${contentOf(path)}</style>`,
        );
      for (const path of used) Reflect.deleteProperty(bundle, path);
      const others = Object.keys(bundle).filter((path) => path !== "index.html");
      if (others.length > 0) throw new Error(`The page must be one file, but Vite also built ${others.join(", ")}`);
      page.fileName = fileName;
      page.source = html;
    },
  };
}
