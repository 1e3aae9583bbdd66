import { slugOf } from "../../docs/.vitepress/slug.ts";

/** A block of TypeScript in a page. */
export interface CodeBlock {
  readonly code: string;
  /** Line of its first line of code, counted from 1. */
  readonly line: number;
  /** Declarations hidden from the reader, from a comment `<!-- prelude … -->` right before the block. */
  readonly prelude: string;
  /** Name of the worked example it shows, from `<!-- example:NAME -->` right before the block. */
  readonly example: string | undefined;
}

/** Returns the blocks marked `ts`, in order. */
export function typeScriptBlocks(markdown: string): CodeBlock[] {
  const blocks =
    /^(?:<!-- prelude\n(?<prelude>[\s\S]*?)\n-->\n+|<!-- example:(?<example>\S+) -->\n)?```ts\n(?<code>[\s\S]*?)^```$/gm;
  return [...markdown.matchAll(blocks)].map((match) => {
    const { code = "", prelude = "", example } = match.groups ?? {};
    const before = markdown.slice(0, match.index) + match[0].slice(0, match[0].indexOf("```ts"));
    return { code, prelude, example, line: before.split("\n").length + 1 };
  });
}

/** Replaces the content of every block marked `<!-- example:NAME -->` or `<!-- printed:NAME -->` by the result of `fill`. */
export async function filledIn(
  markdown: string,
  fill: (kind: "example" | "printed", name: string) => Promise<string>,
): Promise<string> {
  const blocks =
    /(?<head>^<!-- (?<kind>example|printed):(?<name>\S+) -->\n```\w+\n)[\s\S]*?(?<tail>^```\n<!-- \/\k<kind> -->$)/gm;
  let filled = "";
  let from = 0;
  for (const match of markdown.matchAll(blocks)) {
    const { head = "", kind, name = "", tail = "" } = match.groups ?? {};
    const text = await fill(kind === "example" ? "example" : "printed", name);
    filled += markdown.slice(from, match.index) + head + text + tail;
    from = match.index + match[0].length;
  }
  return filled + markdown.slice(from);
}

/** Returns the targets of links and images outside code blocks. */
export function linksOf(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/\]\((?<target>[^)\s]+)(?:\s+"[^"]*")?\)/g)].map(
    ({ groups }) => groups?.["target"] ?? "",
  );
}

/** Returns the anchors that GitHub gives to the headings. */
export function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutCode(markdown).matchAll(/^#+ (?<heading>.+)$/gm)].map(({ groups }) => {
    const slug = slugOf(groups?.["heading"] ?? "");
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}

function withoutCode(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, "");
}
