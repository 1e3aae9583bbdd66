import type { Guarantee, HandlerUnderTest, Scope } from "../../../src/testing/index.ts";

/** A handler with a bug from a real system, and the violation that the judge must find first in its counterexample. */
export interface PlantedBug {
  readonly name: string;
  /** Source of the bug: an issue, a pull request or a source file of a comparable system. */
  readonly source: string;
  readonly handler: HandlerUnderTest;
  readonly breaks: Guarantee;
  readonly why: RegExp;
  readonly scope?: Scope;
}
