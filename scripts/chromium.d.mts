export interface FoundBrowser {
  readonly path: string;
  readonly version: string;
  /** Where it was found, for people. */
  readonly source: string;
}

export interface FindBrowserOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Puts one on the PATH. @throws {Error} when that cannot be done. */
  readonly install?: () => Promise<void>;
}

export function findChromium(options?: FindBrowserOptions): Promise<FoundBrowser | { readonly missing: string }>;
