export const MACHINES = ["dedup-key", "delivery"] as const;
export type MachineName = (typeof MACHINES)[number];

export interface DrawFlags {
  readonly mermaid?: boolean;
  readonly svg?: boolean;
  readonly json?: boolean;
}
