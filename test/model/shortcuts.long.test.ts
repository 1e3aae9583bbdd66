import { describe, expect, it } from "vitest";
import { dedupKeyMachine } from "../../machines/index.ts";
import { explore } from "./explore.ts";
import { unpacked } from "./packed.ts";
import { registerOf } from "./register.ts";
import { described, type Scope, scopeOf } from "./scope.ts";
import { databaseOf, effectOnceProtocol } from "./transaction.ts";
import { Worlds } from "./world.ts";

describe("the shortcuts of the model check", () => {
  const scopes = [
    scopeOf(2, { crash: 1 }),
    scopeOf(2, { trouble: 1 }),
    scopeOf(1, { trouble: 2, slowness: 1, shutdown: 1 }),
    scopeOf(2, { "stale read": 1, freeze: 1 }),
    scopeOf(2, { slowness: 1, clear: 1 }, { explainsConflicts: "sometimes" }),
    scopeOf(2, { shutdown: 1, "broken answer": 1 }, { mayDispatchUnprotected: true, canRemove: false }),
    scopeOf(2, {}, { renews: false, effects: { protocol: effectOnceProtocol, tenants: 1 } }),
  ];

  it.each(scopes.map((scope) => ({ scope, name: described(scope) })))(
    "reach the same states of holders and store as the full exploration with $name",
    ({ scope }) => {
      const [short, long] = [true, false].map((takesShortcuts) => combinations(scope, takesShortcuts));
      expect(short?.worlds).toBeLessThan(long?.worlds ?? 0);
      expect(short?.seen).toEqual(long?.seen);
    },
  );
});

/** Returns every combination of store content and running attempts in the worlds of a scope. */
function combinations(
  scope: Scope,
  takesShortcuts: boolean,
): { readonly worlds: number; readonly seen: ReadonlySet<string> } {
  const worlds = new Worlds(dedupKeyMachine, scope, { takesShortcuts });
  const explored = explore(worlds);
  expect(explored.violation).toBeUndefined();
  const seen = explored.worlds.map((packed) => {
    const { register, database, wasCommitted, attempts } = unpacked(packed);
    const { holds, hasExpired } = registerOf(register);
    const running = attempts.map((id) => worlds.attempts.at(id)).filter(({ handler }) => handler === "running");
    const holders = running.map(({ isAborted, isFrozen, owns, statements, place: { context } }) =>
      JSON.stringify([isAborted, isFrozen, owns, statements, context.unprotected]),
    );
    return JSON.stringify([holds, hasExpired, wasCommitted, databaseOf(database), holders.sort()]);
  });
  return { worlds: explored.worlds.length, seen: new Set(seen) };
}
