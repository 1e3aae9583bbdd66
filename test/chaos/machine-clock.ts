/** Returns milliseconds of the monotonic clock that all processes of the machine share. `performance.now()` starts at 0 in each. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
