/** Returns the whole number that a text spells in digits. Returns `undefined` for other texts and for numbers that would be rounded. */
export function parseWholeNumber(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
