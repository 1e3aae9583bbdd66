/** Returns true if a subject matches a pattern with the wildcards `*` and `>`. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const patterns = pattern.split(".");
  const tokens = subject.split(".");
  const isRest = patterns.at(-1) === ">";
  if (isRest ? tokens.length < patterns.length : tokens.length !== patterns.length) return false;
  return patterns.every((wanted, index) => wanted === "*" || wanted === ">" || wanted === tokens[index]);
}
