import { firstLine } from "../../internal/first-line.ts";
import { guaranteeTitles, type Violation } from "../judge/violation.ts";

/** Violation of a run: a guarantee, or the condition in the option `holds`. */
export type RunViolation =
  | Violation
  | (Omit<Violation, "guarantee"> & { readonly guarantee: "holds"; readonly error: unknown });

/** Returns the title of what was broken: `G3 (no second dispatch)`. */
export function titleOf({ guarantee }: RunViolation): string {
  return guarantee === "holds" ? "the condition in `holds`" : `${guarantee} (${guaranteeTitles[guarantee]})`;
}

/** Returns a violation as one line: its title, and the first line of its reason. */
export function headlineOf(violation: RunViolation): string {
  return `${titleOf(violation)}: ${firstLine(violation.why)}`;
}
