/** Exit codes of the commands. */
export const exitCodes = { ok: 0, failed: 1, unusable: 2, interrupted: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
