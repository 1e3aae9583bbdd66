import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import type { ServerFacts, TableFacts } from "../../../src/cli/doctor/postgres-facts.ts";
import { examineExpiringTable, examinePostgresServer } from "../../../src/cli/doctor/postgres-findings.ts";

const settings = {
  autovacuum: "on",
  default_transaction_isolation: "read committed",
  default_transaction_read_only: "off",
  fsync: "on",
  full_page_writes: "on",
  idle_in_transaction_session_timeout: "60000",
  idle_session_timeout: "0",
  lock_timeout: "0",
  max_connections: "100",
  statement_timeout: "0",
  synchronous_commit: "on",
  synchronous_standby_names: "*",
} as const;
const facts: ServerFacts = {
  version: 140_000,
  versionText: "14.0",
  role: "billing",
  isStandby: false,
  settings,
  connections: 10,
  standbys: 1,
  idleTransactionMs: 0,
};
const table: TableFacts = { bytes: 8_192, rows: 10, expired: 2, overdue: 0, deadRows: 0 };

const bad = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ severity }) => severity !== "ok").map(({ check, severity }) => `${check} ${severity}`);

describe("findings about a PostgreSQL server", () => {
  it("are all well for a synchronous primary of version 14", () => {
    expect(bad(examinePostgresServer(facts))).toEqual([]);
  });

  it.each<readonly [what: string, change: Partial<ServerFacts>, expected: readonly string[]]>([
    ["an old version", { version: 130_013, versionText: "13.13" }, ["version error"]],
    ["a standby", { isStandby: true }, ["writable error"]],
    ["no standby", { standbys: 0 }, ["replication note"]],
    ["few free connections", { connections: 80 }, ["connections warning"]],
    ["a transaction that is idle for long", { idleTransactionMs: 300_000 }, ["idle transaction warning"]],
    ["read-only transactions", { settings: { ...settings, default_transaction_read_only: "on" } }, ["writable error"]],
    ["no fsync", { settings: { ...settings, fsync: "off" } }, ["fsync error"]],
    ["no full pages", { settings: { ...settings, full_page_writes: "off" } }, ["full_page_writes error"]],
    ["asynchronous standbys", { settings: { ...settings, synchronous_standby_names: "" } }, ["replication warning"]],
    ["local commits", { settings: { ...settings, synchronous_commit: "local" } }, ["replication warning"]],
    [
      "a strict isolation",
      { settings: { ...settings, default_transaction_isolation: "serializable" } },
      ["isolation note"],
    ],
    [
      "a short transaction timeout",
      { settings: { ...settings, transaction_timeout: "999" } },
      ["transaction_timeout warning"],
    ],
    ["a sufficient timeout", { settings: { ...settings, statement_timeout: "1000" } }, []],
  ])("are correct for %s", (_, change, expected) => {
    expect(bad(examinePostgresServer({ ...facts, ...change }))).toEqual(expected);
  });
});

describe("findings about a table whose rows expire", () => {
  it.each<readonly [name: "keys" | "effects", change: Partial<TableFacts>, expected: readonly string[]]>([
    ["keys", {}, []],
    ["effects", { expired: 10 }, []],
    ["effects", { expired: 10, overdue: 1 }, ["effects warning"]],
    ["keys", { rows: 20_000, expired: 10_001 }, ["keys warning"]],
    ["keys", { rows: 30_000, expired: 10_001 }, []],
    ["keys", { deadRows: 10_001 }, ["keys vacuum warning"]],
  ])("judge the table of %s with %j as %j", (name, change, expected) => {
    expect(bad(examineExpiringTable(name, { ...table, ...change }, facts))).toEqual(expected);
  });

  it("name a server without autovacuum", () => {
    const off = { settings: { ...settings, autovacuum: "off" } };
    expect(bad(examineExpiringTable("keys", table, off))).toEqual(["keys vacuum warning"]);
  });
});
