import type { CommandSyntax, ProgramSyntax, ValueSyntax } from "./syntax.ts";

/** Generates a script for Bash 3.2 or later. */
export function bashScript({ name, options, commands }: ProgramSyntax): string {
  const own = `_${name.replaceAll(/\W/g, "_")}`;
  const values = commands.flatMap(valuesOf);
  return `# Completes ${name} in Bash. In ~/.bashrc:
#   source <(${name} completion bash)
${own}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}

${own}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command= prev= place=0 words=() word i
  COMPREPLY=()
  # Bash splits --option=value into three words.
  [[ $cur == = ]] && cur=
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == = ]] || words+=("\${COMP_WORDS[i]}")
  done
  for word in "\${words[@]}"; do
    case "$command $prev" in
${cases(values, (value) => (value.of === "command" ? `${own}_files "$cur"; return` : "prev=; continue"), 6)}
    esac
    prev=$word
    [[ $word == -* ]] && continue
    if [[ -z $command ]]; then command=$word; else place=$((place + 1)); fi
  done
  case "$command $prev" in
${cases(values, (value) => `${completion(own, value)}; return`, 4)}
  esac
  if [[ $cur == -* ]]; then
    case $command in
${[{ name: "", options }, ...commands].map(optionsCase).join("\n")}
    esac
    return
  fi
  case "$command $place" in
    " 0") ${offer(commands.map((command) => command.name))} ;;
${cases(commands.flatMap(argumentsOf), (value) => completion(own, value), 4)}
  esac
}
complete -F ${own} ${name}
`;
}

interface Place {
  /** Pattern of a `case`: the command, and the preceding option or the number of the argument. */
  readonly pattern: string;
  readonly value: ValueSyntax;
}

/** Returns the positions of option values. */
function valuesOf({ name, options }: CommandSyntax): Place[] {
  return options.flatMap(({ names, value }) =>
    value === undefined ? [] : names.map((option) => ({ pattern: `"${name} ${option}"`, value })),
  );
}

/** Returns the positions of arguments. */
function argumentsOf({ name, arguments: values }: CommandSyntax): Place[] {
  return values.map((value, place) => ({ pattern: `"${name} ${place}"`, value }));
}

/** Merges the cases that have the same action. */
function cases(places: readonly Place[], then: (value: ValueSyntax) => string, indent: number): string {
  const patterns = new Map<string, string[]>();
  for (const { pattern, value } of places) {
    const action = then(value);
    patterns.set(action, [...(patterns.get(action) ?? []), pattern]);
  }
  return [...patterns].map(([action, all]) => `${" ".repeat(indent)}${all.join(" | ")}) ${action} ;;`).join("\n");
}

function completion(own: string, value: ValueSyntax): string {
  switch (value.of) {
    case "choices":
      return offer(value.choices);
    case "path":
      return `${own}_files "$cur"`;
    case "command":
      return 'COMPREPLY=($(compgen -c -- "$cur"))';
    case "text":
      return ":";
  }
}

function optionsCase({ name, options }: Pick<CommandSyntax, "name" | "options">): string {
  return `      "${name}") ${offer(options.flatMap(({ names }) => names))} ;;`;
}

function offer(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$cur"))`;
}
