/** The guarantees that a history can break. */
export type Guarantee = "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7" | "G8" | "G9";

/** A guarantee that did not hold, and the line that shows it. */
export interface Violation {
  /** Guarantee that is broken. */
  readonly guarantee: Guarantee;
  /** Number of the line that shows the violation, counting from 1. In NDJSON, this is the line of the text. */
  readonly line: number;
  /** Explanation in words. */
  readonly why: string;
}

/** Short titles of the guarantees. */
export const guaranteeTitles: Readonly<Record<Guarantee, string>> = {
  G1: "one holder",
  G2: "nothing is lost",
  G3: "no second dispatch",
  G4: "progress",
  G5: "fencing",
  G6: "timely abort",
  G7: "errors survive",
  G8: "late success counts",
  G9: "ambiguity is resolved",
};
