/** What is worth telling while the demo runs. */
export type Incident =
  | { readonly type: "started"; readonly replica: string; readonly instead?: string }
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
      /** How many events it was dispatching. */
      readonly inHand: number;
    }
  | {
      readonly type: "taken-over";
      readonly replica: string;
      readonly from: string;
      readonly event: string;
      readonly fence: number;
      readonly formerFence: number;
    };
