import { subjectOf } from "./subject.ts";

/** Prefix of the JetStream API in the connection's own domain and account. */
export const OWN_API = "$JS.API";

/** Address of a bucket, and the numbering of its revisions. */
export interface BucketAddress {
  readonly bucket: string;
  /** Time limit of one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Prefix of the JetStream API's subjects: {@link OWN_API}, or that of another domain or account. */
  readonly apiPrefix: string;
  /** Added to the sequence numbers of the stream, so that fences rise although the sequence numbers fell. Usually 0. */
  readonly revisionOffset: number;
}

/** Returns the API prefix of a domain. */
export function domainPrefix(domain: string): string {
  return `$JS.${domain}.API`;
}

/** Returns the subject of an API request. */
export function apiSubject({ apiPrefix }: Pick<BucketAddress, "apiPrefix">, request: string): string {
  return `${apiPrefix}.${request}`;
}

/** Returns the subject to publish a key's messages to. To another domain or account, they go the way of API requests. */
export function publishSubject(
  { apiPrefix, bucket }: Pick<BucketAddress, "apiPrefix" | "bucket">,
  key: string,
): string {
  const subject = subjectOf(bucket, key);
  return apiPrefix === OWN_API ? subject : `${apiPrefix}.${subject}`;
}
