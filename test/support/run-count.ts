/** Number of runs of a property: all of them, or a third in the quick run, `npm test`. */
export function runCount(all: number): number {
  return process.env["LATCHKEY_TEST_RUNS"] === "few" ? Math.ceil(all / 3) : all;
}
