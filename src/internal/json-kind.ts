/** Names the kind of a JSON value for an error message, without its content. */
export function jsonKind(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value === "") return "an empty string";
  if (typeof value === "string") return value.isWellFormed() ? "a string" : "a string with lone surrogates";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
