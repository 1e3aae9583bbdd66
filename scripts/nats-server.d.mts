export interface FoundServer {
  readonly path: string;
  readonly version: string;
  /** Origin, for messages. */
  readonly source: string;
}

export interface FindOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Folder that fetched servers are kept in. */
  readonly cache?: string;
}

export const MINIMUM_VERSION: string;
export function findNatsServer(options?: FindOptions): Promise<FoundServer | { readonly missing: string }>;
/** @throws {Error} if this is not a Debian system, or the suite has no nats-server that runs here. */
export function fromDebian(suite: string, options?: { readonly cache?: string }): Promise<FoundServer>;
/** @throws {Error} if there is no release for this machine, or its download fails or has the wrong checksum. */
export function fromReleases(options?: { readonly cache?: string; readonly releases?: string }): Promise<FoundServer>;
