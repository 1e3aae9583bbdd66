import type { Guarantee } from "./check-history.ts";

/** What each guarantee is called; `holds` is the user's own condition. */
export const guaranteeNames: Readonly<Record<Guarantee | "holds", string>> = {
  G1: "one holder",
  G2: "nothing is lost",
  G3: "no second dispatch",
  G4: "progress",
  G5: "fenced",
  G6: "told in time",
  G7: "the error survives",
  G8: "late success is kept",
  G9: "ambiguity is resolved",
  holds: "what has to hold",
};
