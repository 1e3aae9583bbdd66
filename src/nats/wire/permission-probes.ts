import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/nats-core";
import { resolveIdentity } from "../../model/identity.ts";
import { isForbidden, isUnheardOf } from "./error-codes.ts";
import { bucketStream, subjectOf, subjectsOf } from "./subject.ts";

/** Something that a connection may be allowed to publish, and a message there that is answered and changes nothing. */
export interface Permission {
  /** As it stands in the server's configuration. */
  readonly subject: string;
  readonly probe: { readonly subject: string; readonly payload?: string; readonly headers?: MsgHdrs };
}

/** `unknown`: nobody answered, or the answers may not be heard. */
export type Granted = "granted" | "refused" | "unknown";

const API = "$JS.API";
/** A consumer that does not exist, and is never created: what asks for it is no valid request. */
const NOBODY = "latchkey-doctor";
/** Not JSON, and not one of the short forms that servers take for a request either. */
const INVALID = "{";
/** No revision is ever that high: a write that expects it is refused. */
const NO_REVISION = String(Number.MAX_SAFE_INTEGER);

/** What a replica must be allowed. */
export function replicaPermissions(bucket: string): readonly Permission[] {
  const { storeKey } = resolveIdentity({ subscriptionId: NOBODY, eventId: NOBODY });
  const impossible = headers();
  impossible.set("Nats-Expected-Stream", bucketStream(bucket));
  impossible.set("Nats-Expected-Last-Subject-Sequence", NO_REVISION);
  return [
    { subject: subjectsOf(bucket), probe: { subject: subjectOf(bucket, storeKey), headers: impossible } },
    api(`STREAM.MSG.GET.${bucketStream(bucket)}`, INVALID),
    api(`STREAM.INFO.${bucketStream(bucket)}`),
  ];
}

/** What whoever lists or clears keys must be allowed beside that. */
export function listPermissions(bucket: string): readonly Permission[] {
  return [api(`DIRECT.GET.${bucketStream(bucket)}`, INVALID)];
}

/** What whoever watches a bucket must be allowed beside that. */
export function watchPermissions(bucket: string): readonly Permission[] {
  const stream = bucketStream(bucket);
  return [
    { subject: `${API}.CONSUMER.CREATE.${stream}.>`, probe: ask(`CONSUMER.CREATE.${stream}.${NOBODY}`, INVALID) },
    ...["INFO", "MSG.NEXT", "DELETE"].map((verb) => ({
      subject: `${API}.CONSUMER.${verb}.${stream}.*`,
      probe: ask(`CONSUMER.${verb}.${stream}.${NOBODY}`, INVALID),
    })),
  ];
}

/** What whoever runs a consumer must be allowed. */
export function consumerPermissions(stream: string, consumer: string): readonly Permission[] {
  const of = `${stream}.${consumer}`;
  // A sign of life for a message that there never was.
  const unheard = `$JS.ACK.${of}.1.${NO_REVISION}.${NO_REVISION}.0.0`;
  return [
    api(`CONSUMER.INFO.${of}`),
    api(`CONSUMER.MSG.NEXT.${of}`, INVALID),
    { subject: `$JS.ACK.${of}.>`, probe: { subject: unheard, payload: "+WPI" } },
  ];
}

function api(subject: string, payload = ""): Permission {
  return { subject: `${API}.${subject}`, probe: ask(subject, payload) };
}

function ask(subject: string, payload: string): Permission["probe"] {
  return { subject: `${API}.${subject}`, payload };
}

/** Tries what a permission is for, in a way that changes nothing. */
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
    // Nobody is there to answer, but it was sent.
    return isUnheardOf(error) ? "granted" : "unknown";
  }
}
