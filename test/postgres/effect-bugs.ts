import type { PlantedBug } from "../support/planted-bugs.ts";

/** A bug of `effectOnce` or of its tables, and the check that finds it. */
export interface EffectBug extends PlantedBug {
  readonly foundBy: string;
}

const EFFECT = "src/postgres/effect-once.ts";
const SCHEMA = "src/postgres/schema.ts";

export const effectBugs: readonly EffectBug[] = [
  {
    name: "a marker without a fence",
    foundBy: "a lower fence is refused",
    patches: [
      {
        file: EFFECT,
        find: "[this.#key, this.#name, this.#fence, this.#keepMs]",
        replace: "[this.#key, this.#name, 0, this.#keepMs]",
      },
    ],
  },
  {
    name: "a lower fence that is accepted",
    foundBy: "a lower fence is refused",
    patches: [
      { file: EFFECT, find: "later.fence > given.fence", replace: "later.fence < given.fence" },
      { file: EFFECT, find: "storedFence > this.#fence", replace: "storedFence < this.#fence" },
    ],
  },
  {
    name: "a fence that only the marker of the same name refuses",
    foundBy: "a lower fence is refused for another effect of the event",
    patches: [
      {
        file: EFFECT,
        find: "later.key = given.key and",
        replace: "later.key = given.key and later.name = given.name and",
      },
    ],
  },
  {
    name: "a key without the workspace",
    foundBy: "each tenant's event has an effect",
    patches: [
      {
        file: "src/model/identity.ts",
        find: "dedupKeyFromHex(this.#digest);",
        replace: "this.key;",
      },
    ],
  },
  {
    name: "a key without the name of the effect",
    foundBy: "each named effect of an event happens",
    patches: [
      { file: SCHEMA, find: "primary key (key, name)", replace: "primary key (key)" },
      { file: EFFECT, find: "on conflict (key, name) do nothing", replace: "on conflict (key) do nothing" },
    ],
  },
  {
    name: "a check and an insert without a unique constraint",
    foundBy: "concurrent transactions have one effect",
    patches: [
      { file: SCHEMA, find: ",\n  primary key (key, name)\n", replace: "\n" },
      {
        file: EFFECT,
        find: "on conflict (key, name) do nothing",
        replace: "",
      },
      {
        file: EFFECT,
        find: "where fence = 0 or not exists (",
        replace:
          "where not exists (select from latchkey.effects as old where old.key = given.key and old.name = given.name) and not exists (",
      },
    ],
  },
  {
    name: "a value that is not kept",
    foundBy: "a repetition returns the value",
    patches: [
      {
        file: EFFECT,
        find: "set finished = true, value = $1::text",
        replace: "set finished = true, value = nullif($1::text, $1::text)",
      },
    ],
  },
  {
    name: "a marker that is written after the effect",
    foundBy: "the effect does not run before the marker of another transaction is decided",
    patches: [
      {
        file: EFFECT,
        find: "  const existing = await marker.insert();\n",
        replace: "  const value = await effect();\n  const existing = await marker.insert();\n",
      },
      { file: EFFECT, find: "storeResult(await effect())", replace: "storeResult(value)" },
    ],
  },
  {
    name: "a transaction that commits after its effect threw",
    foundBy: "an error that the caller swallows does not commit a marker",
    patches: [
      {
        file: SCHEMA,
        find: "deferrable initially deferred for each row execute",
        replace: "deferrable initially deferred for each row when (false) execute",
      },
    ],
  },
  {
    name: "a marker that expires too early",
    foundBy: "a marker is kept for keepMs",
    patches: [
      { file: EFFECT, find: "keep_ms * interval '1 millisecond'", replace: "keep_ms * interval '1 microsecond'" },
    ],
  },
  {
    name: "a deletion of markers that have not expired",
    foundBy: "a marker is kept for keepMs",
    patches: [
      {
        file: "src/postgres/expired-rows.ts",
        find: "expires_at <= clock_timestamp()",
        replace: "created_at <= clock_timestamp()",
      },
    ],
  },
  {
    name: "a marker that outlives the rollback of its transaction",
    foundBy: "an effect that was rolled back happens at the next dispatch",
    patches: [
      {
        file: EFFECT,
        find: "  const existing = await marker.insert();\n",
        replace:
          '  const existing = await marker.insert();\n  if (existing === undefined) await sqlOf("tx", tx)("commit").then(() => sqlOf("tx", tx)("begin"), () => {});\n',
      },
      {
        file: SCHEMA,
        find: "deferrable initially deferred for each row execute",
        replace: "deferrable initially deferred for each row when (false) execute",
      },
    ],
  },
];
