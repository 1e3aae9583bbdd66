/** Splits a line of shell code into words, with the escapes that the shell allows in single quotes. */
export function shellWords(line: string, escapes: "none" | "backslash"): readonly string[] {
  const words: string[] = [];
  let word = "";
  let isQuoted = false;
  let isWord = false;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    const isEscape = char === "\\" && (isQuoted ? escapes === "backslash" : true);
    if (isEscape) {
      at += 1;
      word += line.charAt(at);
      isWord = true;
    } else if (char === "'") {
      isQuoted = !isQuoted;
      isWord = true;
    } else if (/\s/.test(char) && !isQuoted) {
      if (isWord) words.push(word);
      word = "";
      isWord = false;
    } else {
      word += char;
      isWord = true;
    }
  }
  if (isQuoted) throw new Error(`Unbalanced quotes: ${line}`);
  return isWord ? [...words, word] : words;
}
