import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/nats-core";
import { resolveIdentity } from "../../model/identity.ts";
import { apiSubject, type BucketAddress, OWN_API, publishSubject } from "./bucket-address.ts";
import { hasNoResponders, isForbidden } from "./error-codes.ts";
import { bucketStream, subjectsOf } from "./subject.ts";

/** A permission to publish, with a message that tests it: the server answers that message and changes nothing. */
export interface Permission {
  /** Subject as written in the server's configuration. */
  readonly subject: string;
  readonly probe: { readonly subject: string; readonly payload?: string; readonly headers?: MsgHdrs };
}

/** `unknown`: no answer arrived, or the connection may not receive answers. */
export type Granted = "granted" | "refused" | "unknown";

/** Name of a consumer that does not exist. The probes never create it, because their requests are invalid. */
const NOBODY = "latchkey-doctor";
/** Neither JSON nor one of the short forms of a request. */
const INVALID = "{";
/** A revision that no bucket reaches: the server refuses a write that expects it. */
const NO_REVISION = String(Number.MAX_SAFE_INTEGER);

type ProbedBucket = Pick<BucketAddress, "apiPrefix" | "bucket">;

/** Lists the permissions that every replica needs. */
export function replicaPermissions(address: ProbedBucket): readonly Permission[] {
  const { apiPrefix, bucket } = address;
  const { storeKey } = resolveIdentity({ subscriptionId: NOBODY, eventId: NOBODY });
  const impossible = headers();
  impossible.set("Nats-Expected-Stream", bucketStream(bucket));
  impossible.set("Nats-Expected-Last-Subject-Sequence", NO_REVISION);
  return [
    {
      subject: apiPrefix === OWN_API ? subjectsOf(bucket) : `${apiPrefix}.${subjectsOf(bucket)}`,
      probe: { subject: publishSubject(address, storeKey), headers: impossible },
    },
    api(apiPrefix, `STREAM.MSG.GET.${bucketStream(bucket)}`, INVALID),
    api(apiPrefix, `STREAM.INFO.${bucketStream(bucket)}`),
  ];
}

/** Lists the additional permissions for listing and clearing keys. */
export function listPermissions({ apiPrefix, bucket }: ProbedBucket): readonly Permission[] {
  return [api(apiPrefix, `DIRECT.GET.${bucketStream(bucket)}`, INVALID)];
}

/** Lists the additional permissions for watching a bucket. */
export function watchPermissions({ apiPrefix, bucket }: ProbedBucket): readonly Permission[] {
  const stream = bucketStream(bucket);
  return [
    {
      subject: `${apiPrefix}.CONSUMER.CREATE.${stream}.>`,
      probe: ask(apiPrefix, `CONSUMER.CREATE.${stream}.${NOBODY}`, INVALID),
    },
    ...["INFO", "MSG.NEXT", "DELETE"].map((verb) => ({
      subject: `${apiPrefix}.CONSUMER.${verb}.${stream}.*`,
      probe: ask(apiPrefix, `CONSUMER.${verb}.${stream}.${NOBODY}`, INVALID),
    })),
  ];
}

/** Lists the permissions that a consumer needs, besides {@link ackPermissions}. */
export function consumerPermissions(apiPrefix: string, stream: string, consumer: string): readonly Permission[] {
  const of = `${stream}.${consumer}`;
  return [api(apiPrefix, `CONSUMER.INFO.${of}`), api(apiPrefix, `CONSUMER.MSG.NEXT.${of}`, INVALID)];
}

/**
 * Returns the permissions to answer messages. A server uses one of two forms of subjects. If `js_ack_fc_v2` is set, which is the
 * default from 2.16 on, it uses version 2, with a domain and an account. A client cannot find out which.
 */
export function ackPermissions(
  stream: string,
  consumer: string,
): { readonly version1: Permission; readonly version2: Permission } {
  const of = `${stream}.${consumer}`;
  // An in-progress ack for a message that does not exist.
  const unknown = `${of}.1.${NO_REVISION}.${NO_REVISION}.0.0`;
  return {
    version1: { subject: `$JS.ACK.${of}.>`, probe: { subject: `$JS.ACK.${unknown}`, payload: "+WPI" } },
    version2: { subject: `$JS.ACK.*.*.${of}.>`, probe: { subject: `$JS.ACK._.${NOBODY}.${unknown}`, payload: "+WPI" } },
  };
}

function api(apiPrefix: string, request: string, payload = ""): Permission {
  return { subject: apiSubject({ apiPrefix }, request), probe: ask(apiPrefix, request, payload) };
}

function ask(apiPrefix: string, request: string, payload: string): Permission["probe"] {
  return { subject: apiSubject({ apiPrefix }, request), payload };
}

/** Tests a permission without changing anything. */
export async function tryPermission(
  connection: NatsConnection,
  { probe: { subject, payload = "", headers: fields } }: Permission,
  timeoutMs: number,
): Promise<Granted> {
  const how = { timeout: timeoutMs, ...(fields === undefined ? {} : { headers: fields }) };
  try {
    await connection.request(subject, payload, how);
    return "granted";
  } catch (error) {
    if (isForbidden(error)) return "refused";
    // Nothing answers on the subject, but the server accepted the request.
    return hasNoResponders(error) ? "granted" : "unknown";
  }
}
