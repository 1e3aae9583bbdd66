import type { RawRequest } from "./raw-request.ts";

/** An event, as its sender names it. Source and id together are unique, as in CloudEvents. */
export interface EventReference {
  /** Origin of the event and scope of its id: a URI reference, such as `/github/repository/1/hooks/2`. */
  readonly source: string;
  /** Id of the event, unique within its source. */
  readonly id: string;
  /** Kind of the event, such as `com.github.push`. */
  readonly type: string;
}

/** Result of a verification. */
export type Verification = { readonly verified: true } | { readonly verified: false; readonly reason: string };

/** A sender of webhooks, as a receiver sees it. */
export interface Source {
  /** Name of the sender; the default subscription of its events. */
  readonly name: string;
  /** True if a signature covers the source and the id of the event. If false, the receiver compares payloads of equal ids. */
  readonly signsId: boolean;
  /** Time after the first delivery during which the sender retries, in milliseconds. */
  readonly retriesForMs?: number;
  /** True if the sender gives an event up after a status below 500. A pending event is then answered with 503 instead of 409. */
  readonly retriesOnlyServerErrors?: boolean;
  /** True if callers that do not trust each other share the scope of ids: one could get the stored response of another. */
  readonly sharesScope?: boolean;
  /** Verifies the signature over the raw body. Without it, every request is accepted. */
  verify?(request: RawRequest): Promise<Verification>;
  /** Answers a request that only sets the connection up, such as a challenge. Called after the verification. */
  handshake?(request: RawRequest): Promise<Response | undefined>;
  /** Returns one request per event of a batch, or `undefined` if the request is no batch. Called after the verification. */
  split?(request: RawRequest): readonly RawRequest[] | undefined;
  /**
   * Returns the event, always the same for the same event.
   * @throws {UnidentifiedError} if the request names none.
   */
  identify(request: RawRequest): EventReference;
}
