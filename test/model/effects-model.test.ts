import { afterAll, describe, expect, it } from "vitest";
import { dedupKeyMachine } from "../../machines/index.ts";
import { noteExplored } from "../support/explored.ts";
import { check, summary } from "./check.ts";
import { described, type Scope, scopeOf } from "./scope.ts";
import { type EffectProtocol, effectOnceProtocol } from "./transaction.ts";

const effects: Scope["effects"] = { protocol: effectOnceProtocol, tenants: 1 };

/** Each scope adds faults under which an event is dispatched again, or by two holders at a time. */
const scopes: readonly Scope[] = [
  scopeOf(3, { crash: 1 }, { effects, renews: false }),
  scopeOf(2, { crash: 1, "window end": 1 }, { effects }),
  scopeOf(2, { crash: 1, clear: 1 }, { effects: { ...effects, tenants: 2 } }),
  scopeOf(2, { freeze: 1, slowness: 1 }, { effects }),
  scopeOf(2, { trouble: 1 }, { effects, mayDispatchUnprotected: true }),
];

interface Mutant {
  readonly name: string;
  readonly change: Partial<EffectProtocol>;
  readonly scope?: Scope;
}

const mutants: readonly Mutant[] = [
  {
    name: "the marker is written after the commit of the effect",
    change: { statements: ["find marker", "effect", "commit", "insert marker", "keep value", "commit"] },
  },
  {
    name: "the marker is committed before the transaction of the effect",
    change: { statements: ["insert marker", "commit", "effect", "keep value", "commit"] },
  },
  {
    name: "the value is kept outside the transaction",
    change: { statements: ["insert marker", "effect", "commit", "keep value", "commit"] },
  },
  { name: "the marker has no fence", change: { refusesLowerFences: false } },
  { name: "a check and an insert have no unique constraint", change: { isUnique: false } },
  { name: "each attempt has its own marker", change: { markerOf: "attempt" } },
  {
    name: "the key of the marker omits the workspace",
    change: { markerOf: "event of all workspaces" },
    scope: scopeOf(1, {}, { effects: { ...effects, tenants: 2 } }),
  },
  { name: "no marker is written", change: { statements: ["effect", "commit"] } },
];

/** Without faults, a lease that ends during a dispatch is enough. */
const twoHolders = scopeOf(2, {}, { effects });

describe("G11 an effect in a database, in the model check", () => {
  const rows: string[] = [];
  afterAll(() => {
    noteExplored("Model check of effects that commit with their marker", rows);
  });

  it.each(scopes.map((scope) => ({ scope, name: described(scope) })))(
    "commits once, and every delivery can end, in every world of $name",
    ({ scope }) => {
      const result = check(dedupKeyMachine, scope);
      rows.push(summary(scope, result));
      expect(result.violations, `\n${result.shown}\n`).toEqual([]);
    },
  );

  it.each(mutants)("does not where $name, and the check finds it", ({ name, change, scope = twoHolders }) => {
    const protocol = { ...effectOnceProtocol, ...change };
    const { violations, shown } = check(dedupKeyMachine, {
      ...scope,
      effects: { protocol, tenants: scope.effects?.tenants ?? 1 },
    });
    rows.push(`found: ${name}: ${violations[0]?.what ?? "nothing"}`);
    expect(
      violations.map(({ guarantee }) => guarantee),
      shown,
    ).toContain("G11");
  });
});
