/** An incident that the demo reports while it runs. */
export type Incident =
  | { readonly type: "started"; readonly replica: string; readonly replaces?: string }
  | {
      readonly type: "duplicate" | "pending" | "refused" | "retried";
      readonly replica: string;
      readonly event: string;
    }
  | {
      readonly type: "crashed";
      readonly replica: string;
      readonly event: string;
      readonly when: "before" | "after";
      /** Number of events in flight. */
      readonly inFlight: number;
    }
  | {
      readonly type: "taken-over";
      readonly replica: string;
      readonly from: string;
      readonly event: string;
      readonly fence: number;
      readonly previousFence: number;
    };
