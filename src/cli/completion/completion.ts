import type { Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { syntaxOf } from "./syntax.ts";
import { zshScript } from "./zsh.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export type Shell = keyof typeof scripts;
export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

/** A script for the shell that completes what `program` understands, without running it. */
export function completionScript(shell: Shell, program: Command): string {
  return scripts[shell](syntaxOf(program));
}
