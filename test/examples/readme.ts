/** A command of a README and the output that the README shows for it. */
export interface Step {
  readonly command: string;
  /** `undefined` for a program that keeps running. */
  readonly output: string | undefined;
}

/** Returns the commands in the blocks marked `sh`. A block marked `text` that follows one is its output. */
export function stepsOf(markdown: string): readonly Step[] {
  const blocks = /^```sh\n(?<command>[\s\S]*?)^```\n(?:\n```text\n(?<output>[\s\S]*?)^```\n)?/gm;
  return [...markdown.matchAll(blocks)].map(({ groups }) => ({
    command: groups?.["command"] ?? "",
    output: groups?.["output"],
  }));
}

/** Returns what the README says that the running programs print, from the blocks marked `text server`. */
export function serverOutputOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```text server\n(?<output>[\s\S]*?)^```$/gm)].map(
    ({ groups }) => groups?.["output"] ?? "",
  );
}
