/**
 * Returns when a reservation began: at its latest write, less the time that its holder had held it by then. Both times follow the
 * clock of `writtenAtMs`.
 */
export function heldSinceMs(writtenAtMs: number, { heldMs = 0 }: { readonly heldMs?: number }): number {
  return writtenAtMs - heldMs;
}
