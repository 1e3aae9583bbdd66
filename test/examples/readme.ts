/** A step of a README. */
export type Step =
  /** A program that keeps running. */
  | { readonly start: string }
  /** A command that ends, and the output that the README shows for it. */
  | { readonly run: string; readonly output: string }
  /** Output that the running programs print next. */
  | { readonly printed: string };

/**
 * Returns the steps in order. A block marked `sh` runs; the block marked `text` after it is its output, and without one it keeps
 * running. A block marked `text server` is printed by the running programs.
 */
export function stepsOf(markdown: string): readonly Step[] {
  const blocks =
    /^```(?:sh\n(?<command>[\s\S]*?)^```\n(?:\n```text\n(?<output>[\s\S]*?)^```\n)?|text server\n(?<printed>[\s\S]*?)^```\n)/gm;
  return [...markdown.matchAll(blocks)].map(({ groups }): Step => {
    const { command = "", output, printed } = groups ?? {};
    if (printed !== undefined) return { printed };
    return output === undefined ? { start: command } : { run: command, output };
  });
}
