/** A value whose members can be read, such as parsed JSON that is an object or a list. */
export type ObjectLike = Readonly<Record<string, unknown>>;

/** Returns true for every object, lists included, and false for `null`. */
export function isObject(value: unknown): value is ObjectLike {
  return typeof value === "object" && value !== null;
}
