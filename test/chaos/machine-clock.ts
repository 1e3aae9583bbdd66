/** Milliseconds by the clock of histories, which all processes of the machine share; `performance.now()` counts from another moment in each process. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
