export interface FoundServer {
  readonly path: string;
  readonly version: string;
  /** Where it was found, for people. */
  readonly source: string;
}

export interface FindOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The folder in which what was fetched is kept. */
  readonly cache?: string;
}

export const MINIMUM_VERSION: string;
export function findNatsServer(options?: FindOptions): Promise<FoundServer | { readonly missing: string }>;
/** @throws {Error} when this is not a Debian system, or the suite has no nats-server that runs here. */
export function fromDebian(suite: string, options?: { readonly cache?: string }): Promise<FoundServer>;
/** @throws {Error} when there is no release for this machine, or it cannot be fetched, or is not what it is said to be. */
export function fromReleases(options?: { readonly cache?: string; readonly releases?: string }): Promise<FoundServer>;
