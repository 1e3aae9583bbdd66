import type { Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { syntaxOf } from "./syntax.ts";
import { zshScript } from "./zsh.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export type Shell = keyof typeof scripts;
export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

/** Generates a completion script from the command tree. The script does not run the program. */
export function completionScript(shell: Shell, program: Command): string {
  return scripts[shell](syntaxOf(program));
}
