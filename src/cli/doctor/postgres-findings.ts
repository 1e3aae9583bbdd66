import { span } from "../../inspect/conclusions/duration.ts";
import { amount, counted } from "../../internal/counted.ts";
import { MINIMUM_VERSION_NUMBER, NEEDED_POSTGRES } from "../../postgres/server-check.ts";
import { printable } from "../terminal/printable.ts";
import { bytesText } from "./bytes-text.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import type { ServerFacts, SettingName, TableFacts } from "./postgres-facts.ts";

const server = findingsAbout("server");
const tables = findingsAbout("tables");

/** Tables whose rows expire. */
export type ExpiringTable = "keys" | "effects";

export function examinePostgresServer(facts: ServerFacts): readonly Finding[] {
  return [
    versionFinding(facts),
    accessFinding(facts),
    ...durabilityFindings(facts),
    replicationFinding(facts),
    isolationFinding(facts),
    ...timeoutFindings(facts),
    connectionsFinding(facts),
    ...idleTransactionFindings(facts),
  ];
}

function versionFinding({ version, versionText }: ServerFacts): Finding {
  if (version >= MINIMUM_VERSION_NUMBER) return server.ok("version", versionText);
  return server.error("version", `${versionText}: Latchkey needs ${NEEDED_POSTGRES}`, "upgrade the server");
}

function accessFinding({ isStandby, settings, role }: ServerFacts): Finding {
  const check = "writable";
  if (isStandby) {
    return server.error(check, "the server is a read-only standby: nothing can be reserved", "connect to the primary");
  }
  if (settings.default_transaction_read_only !== "on") return server.ok(check, "the server accepts writes");
  const evidence = `transactions of ${printable(role)} are read-only: nothing can be reserved`;
  return server.error(check, evidence, "turn `default_transaction_read_only` off for the role and the database");
}

function durabilityFindings({ settings }: ServerFacts): readonly Finding[] {
  const lossy = (["fsync", "full_page_writes", "synchronous_commit"] as const).filter(
    (name) => settings[name] === "off",
  );
  if (lossy.length === 0) return [server.ok("durability", "a commit is on disk before it is acknowledged")];
  return lossy.map((name) => {
    const evidence = "is off: a crash loses acknowledged writes, so events run twice and effects are lost";
    return server.error(name, evidence, `turn ${name} on`);
  });
}

function replicationFinding({ standbys, settings }: ServerFacts): Finding {
  const check = "replication";
  const lost = "after a failover, its last keys and effects are lost, and their events run again";
  if (standbys === 0) {
    const alone =
      "no standby is connected: if the disk is lost, all keys and effects are lost, and their events run again";
    return server.note(check, alone, "add a synchronous standby");
  }
  const connected = counted(standbys, "standby is connected", "standbys are connected");
  const isSynchronous = settings.synchronous_standby_names !== "" && settings.synchronous_commit !== "local";
  if (isSynchronous) return server.ok(check, `${connected}, and a commit waits for a synchronous one`);
  const remedy = "set `synchronous_standby_names`, and `synchronous_commit` to on";
  return server.warning(check, `${connected}, but no commit waits for one: ${lost}`, remedy);
}

function isolationFinding({ settings }: ServerFacts): Finding {
  const level = settings.default_transaction_isolation ?? "";
  const check = "isolation";
  if (level === "read committed") return server.ok(check, "read committed: effectOnce waits for a concurrent marker");
  const evidence = `${level}: a concurrent marker of effectOnce is a serialisation failure instead of a wait`;
  return server.note(check, evidence, "retry transactions that fail with SQLSTATE 40001");
}

/** Shortest time limit that leaves room for a slow disk. */
const SHORT_MS = 1_000;
/** Pause between the heartbeats of a watch, and a margin. */
const QUIET_MS = 10_000;

function timeoutFindings({ settings }: ServerFacts): readonly Finding[] {
  const msOf = (name: SettingName): number => Number(settings[name] ?? 0);
  const findings: Finding[] = [];
  for (const name of ["statement_timeout", "lock_timeout", "transaction_timeout"] as const) {
    const ms = msOf(name);
    if (ms === 0 || ms >= SHORT_MS) continue;
    const evidence = `${ms} ms: the server cancels slow writes, and events are delayed`;
    findings.push(server.warning(name, evidence, `raise ${name} to at least ${SHORT_MS} ms for this role`));
  }
  const idleMs = msOf("idle_session_timeout");
  if (idleMs > 0 && idleMs < QUIET_MS) {
    const evidence = `${idleMs} ms: the server ends idle connections of the pool, and watches reconnect again and again`;
    findings.push(server.warning("idle_session_timeout", evidence, `raise it to at least ${QUIET_MS} ms`));
  }
  const name = "idle_in_transaction_session_timeout";
  if (msOf(name) === 0) {
    const evidence = "is off: a process that hangs inside effectOnce blocks its event until its connection ends";
    findings.push(server.note(name, evidence, `alter role <name> set ${name} = '60s'`));
  }
  return findings.length > 0
    ? findings
    : [server.ok("timeouts", "leave room for slow writes, and end hung transactions")];
}

/** Used share of the connections that warrants a warning. */
const CROWDED = 0.8;

function connectionsFinding({ connections, settings }: ServerFacts): Finding {
  const limit = Number(settings.max_connections);
  const evidence = `${amount(connections)} of ${amount(limit)} are used`;
  if (connections < limit * CROWDED) return server.ok("connections", evidence);
  const full = `${evidence}: without a free one, nothing can be reserved or committed`;
  return server.warning("connections", full, "raise `max_connections`, or make the pools smaller");
}

const LONG_IDLE_MS = 300_000;

function idleTransactionFindings({ idleTransactionMs }: ServerFacts): readonly Finding[] {
  if (idleTransactionMs < LONG_IDLE_MS) return [];
  const evidence = `a transaction has been idle for ${span(idleTransactionMs)}: it blocks the markers that it wrote, and keeps the space of deleted rows`;
  const remedy = "find it in `pg_stat_activity`, and end it with `pg_terminate_backend`";
  return [server.warning("idle transaction", evidence, remedy)];
}

/** Rows from which a table counts as large. */
const MANY_ROWS = 10_000;

const SWEEP: Readonly<Record<ExpiringTable, string>> = {
  keys: "replicas delete them while they reserve events; without replicas, delete the rows whose `expires_at` has passed",
  effects: "call deleteExpiredEffects from a schedule, such as once a day",
};

export function examineExpiringTable(
  table: ExpiringTable,
  { bytes, rows, expired, overdue, deadRows }: TableFacts,
  { settings }: Pick<ServerFacts, "settings">,
): readonly Finding[] {
  const findings: Finding[] = [];
  const holds = `${bytesText(bytes)} in ${counted(rows, "row")}`;
  const isUnswept = table === "effects" ? overdue > 0 : expired > MANY_ROWS && expired > rows / 2;
  if (isUnswept) {
    const since =
      table === "effects" ? `${amount(overdue)} expired more than two days ago` : `${amount(expired)} have expired`;
    findings.push(tables.warning(table, `${holds}, of which ${since}: the table grows`, SWEEP[table]));
  }
  if (deadRows > MANY_ROWS && deadRows > rows) {
    const evidence = `${amount(deadRows)} deleted rows still take space, beside ${counted(rows, "row")}`;
    const remedy = `end long transactions, and run \`vacuum\` on the table`;
    findings.push(tables.warning(`${table} vacuum`, evidence, remedy));
  }
  if (settings.autovacuum === "off") {
    findings.push(tables.warning(`${table} vacuum`, "autovacuum is off: the table grows", "turn `autovacuum` on"));
  }
  return findings.length > 0 ? findings : [tables.ok(table, `${holds}, ${amount(expired)} of them expired`)];
}
