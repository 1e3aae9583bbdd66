/** What a finding is about. */
export const AREAS = ["server", "bucket", "permissions", "consumer", "clocks", "records"] as const;
export type Area = (typeof AREAS)[number];

/**
 * `error`: events can get lost, run twice or not run, or replicas refuse to start. `warning`: they can when something else goes
 * wrong, or wait for long. `note`: could not be looked at, or is a matter of choice.
 */
export type Severity = "ok" | "note" | "warning" | "error";
export const SEVERITIES: readonly Severity[] = ["ok", "note", "warning", "error"];

/** One thing that was looked at. */
export interface Finding {
  readonly area: Area;
  /** The setting, or what else it is about. */
  readonly check: string;
  readonly severity: Severity;
  /** What was found, and what follows from it. */
  readonly evidence: string;
  /** What to do about it; undefined when there is nothing to do. */
  readonly remedy: string | undefined;
}

/** What is found about one area. */
export function findingsAbout(area: Area) {
  return {
    ok: (check: string, evidence: string): Finding => ({ area, check, severity: "ok", evidence, remedy: undefined }),
    note: (check: string, evidence: string, remedy?: string): Finding => ({
      ...{ area, check, severity: "note", evidence, remedy },
    }),
    warning: (check: string, evidence: string, remedy: string): Finding => ({
      ...{ area, check, severity: "warning", evidence, remedy },
    }),
    error: (check: string, evidence: string, remedy: string): Finding => ({
      ...{ area, check, severity: "error", evidence, remedy },
    }),
  };
}
