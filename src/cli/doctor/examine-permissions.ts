import type { NatsConnection } from "@nats-io/nats-core";
import { counted } from "../../internal/counted.ts";
import type { BucketAddress } from "../../nats/wire/bucket-address.ts";
import {
  ackPermissions,
  consumerPermissions,
  type Granted,
  listPermissions,
  type Permission,
  replicaPermissions,
  tryPermission,
  watchPermissions,
} from "../../nats/wire/permission-probes.ts";
import { ackSubjectVersions } from "../../nats/wire/server-version.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const permissions = findingsAbout("permissions");

interface Role {
  readonly check: string;
  readonly severity: "error" | "warning";
  readonly permissions: readonly Permission[];
  /** Operation that fails without the permissions. */
  readonly need: string;
}

const TIMEOUT_MS = 5_000;

/** Buckets and consumer whose permissions are probed. */
export interface ProbedNames {
  readonly apiPrefix: string;
  readonly buckets: readonly string[];
  readonly consumer: ConsumerName | undefined;
}

/** Probes every permission that a role needs. Changes nothing. */
export async function examinePermissions(
  connection: NatsConnection,
  { apiPrefix, buckets, consumer }: ProbedNames,
): Promise<readonly Finding[]> {
  const roles = [
    ...(buckets.length === 0 ? [] : bucketRoles(buckets.map((bucket) => ({ apiPrefix, bucket })))),
    ...(consumer === undefined ? [] : [consumerRole(apiPrefix, consumer)]),
  ];
  return Promise.all([
    ...roles.map((role) => examineRole(connection, role)),
    ...(consumer === undefined ? [] : [examineAcks(connection, consumer)]),
  ]);
}

export interface ConsumerName {
  readonly stream: string;
  readonly name: string;
}

function bucketRoles(buckets: ReadonlyArray<Pick<BucketAddress, "apiPrefix" | "bucket">>): readonly Role[] {
  return [
    {
      check: "replica",
      severity: "error",
      permissions: buckets.flatMap(replicaPermissions),
      need: "a replica cannot dispatch without them",
    },
    {
      check: "operator",
      severity: "warning",
      permissions: buckets.flatMap(listPermissions),
      need: "keys cannot be listed or cleared, and their records cannot be checked, without them",
    },
    {
      check: "inspector",
      severity: "warning",
      permissions: buckets.flatMap(watchPermissions),
      need: "the bucket cannot be watched without them",
    },
  ];
}

function consumerRole(apiPrefix: string, { stream, name }: ConsumerName): Role {
  return {
    check: "consumer",
    severity: "error",
    permissions: consumerPermissions(apiPrefix, stream, name),
    need: "messages cannot be received without them",
  };
}

/** Probes the permission to answer messages, under each form of subject that a server of this version can use. */
async function examineAcks(connection: NatsConnection, { stream, name }: ConsumerName): Promise<Finding> {
  const check = "acks";
  const { version1, version2 } = ackPermissions(stream, name);
  const { used, other } = ackSubjectVersions(connection.info?.version ?? "");
  const [first, second] = await Promise.all(
    [version1, version2].map((permission) => tryPermission(connection, permission, TIMEOUT_MS)),
  );
  const granted = { 1: first, 2: second };
  const subjects = { 1: version1.subject, 2: version2.subject };
  const flag = (version: 1 | 2): string => `${version === 2 ? "with" : "without"} \`js_ack_fc_v2\``;
  const remedy = `grant \`${version1.subject}\` and \`${version2.subject}\``;
  if (granted[used] === "refused") {
    const evidence = `this user may not publish to \`${subjects[used]}\`, so a server ${flag(used)}, the default of this version, refuses every answer to a message`;
    return permissions.error(check, evidence, remedy);
  }
  if (other !== undefined && granted[other] === "refused") {
    const evidence = `this user may not publish to \`${subjects[other]}\`, so a server ${flag(other)} refuses every answer to a message`;
    return permissions.warning(check, evidence, remedy);
  }
  return permissions.ok(check, "messages may be acknowledged");
}

async function examineRole(
  connection: NatsConnection,
  { check, severity, permissions: all, need }: Role,
): Promise<Finding> {
  const results = await Promise.all(
    all.map(async (permission) => ({
      ...permission,
      granted: await tryPermission(connection, permission, TIMEOUT_MS),
    })),
  );
  const withResult = (wanted: Granted): string =>
    results
      .filter(({ granted }) => granted === wanted)
      .map(({ subject }) => `\`${subject}\``)
      .join(", ");
  const [refused, unknown] = [withResult("refused"), withResult("unknown")];
  if (refused !== "") {
    const evidence = `this user may not publish to ${refused}; ${need}`;
    return permissions[severity](check, evidence, "grant these permissions, or use other credentials");
  }
  if (unknown !== "") return permissions.note(check, `no reply from ${unknown}`, "check that the stream has a leader");
  return permissions.ok(check, `${counted(all.length, "required subject is", "required subjects are")} allowed`);
}
