import type { Guarantee, HandlerUnderTest, Scope } from "../../../src/testing/index.ts";

/** A handler with a bug that people really make, and what the judge must find first in its smallest counterexample. */
export interface PlantedBug {
  readonly name: string;
  /** Where the mistake was made: an issue, a pull request or a source of a comparable system. */
  readonly source: string;
  readonly handler: HandlerUnderTest;
  readonly breaks: Guarantee;
  readonly why: RegExp;
  readonly scope?: Scope;
}
