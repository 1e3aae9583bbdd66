/** Subjects of findings, in the order of the report. */
export const AREAS = ["server", "bucket", "tables", "permissions", "consumer", "clocks", "records"] as const;
export type Area = (typeof AREAS)[number];

/**
 * `error`: events can be lost, repeated or never run, or replicas refuse to start. `warning`: the same can happen after
 * another fault, or events are delayed. `note`: not checked, or a matter of choice.
 */
export type Severity = "ok" | "note" | "warning" | "error";
export const SEVERITIES: readonly Severity[] = ["ok", "note", "warning", "error"];

/** Result of one check. */
export interface Finding {
  readonly area: Area;
  /** Name of the setting or the check. */
  readonly check: string;
  readonly severity: Severity;
  /** The problem and its consequence. */
  readonly evidence: string;
  /** Remedy. Undefined if none is needed. */
  readonly remedy: string | undefined;
}

/** Returns constructors for findings about one area. */
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
