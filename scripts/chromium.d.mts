export interface FoundBrowser {
  readonly path: string;
  readonly version: string;
  /** Origin, for messages. */
  readonly source: string;
}

export interface FindBrowserOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Installs one on the PATH. @throws {Error} if that fails. */
  readonly install?: () => Promise<void>;
}

export function findChromium(options?: FindBrowserOptions): Promise<FoundBrowser | { readonly missing: string }>;
