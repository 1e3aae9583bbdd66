/** A setting of a consumer that does not fit the way it is used. */
export interface ConsumerFinding {
  /** With an `error`, events could be lost or dispatched forever, so `consume` refuses to start. */
  readonly severity: "error" | "warning";
  /** The setting to change. */
  readonly setting: string;
  /** The value and its consequence. */
  readonly problem: string;
  /** Remedy. */
  readonly remedy: string;
  /** The problem and the remedy as one line. */
  readonly sentence: string;
}

export function finding(
  severity: ConsumerFinding["severity"],
  setting: string,
  problem: string,
  remedy: string,
): ConsumerFinding {
  return { severity, setting, problem, remedy, sentence: `${problem}; ${remedy}` };
}
