/** Builds a CloudEvents `source` from path segments. Missing segments are left out. */
export function sourcePath(...segments: readonly (string | undefined)[]): string {
  return segments
    .filter((segment) => segment !== undefined)
    .map((segment) => `/${encodeURIComponent(segment.toWellFormed())}`)
    .join("");
}

/** Hook and installation target of a GitHub delivery. */
export interface GitHubHook {
  readonly hook: string | undefined;
  readonly targetType: string | undefined;
  readonly target: string | undefined;
}

/**
 * Scope within which each sender's ids are unique, as a CloudEvents `source`. The sources of `latchkey/http` and the recorded
 * requests of `latchkey run` share it, so that both give an event the same identity.
 */
export const senderScope = {
  /** All hooks and Apps of an account share the delivery id of an event. */
  gitHub: ({ hook, targetType, target }: GitHubHook) => sourcePath("github", targetType, target, "hooks", hook),
  /** GitLab makes a new `Idempotency-Key` for each hook of an event. */
  gitLab: () => sourcePath("gitlab"),
  /** All hooks share the event's UUID. GitLab before 17.4 sends no `Idempotency-Key`. */
  gitLabHook: (hook: string | undefined) => sourcePath("gitlab", "hooks", hook),
  bitbucket: (hook: string | undefined) => sourcePath("bitbucket", "hooks", hook),
  shopify: (shop: string | undefined, topic: string | undefined) =>
    sourcePath("shopify", "shops", shop, "topics", topic),
  /** Connected accounts have ids of their own. */
  stripe: (account: string | undefined) =>
    account === undefined ? sourcePath("stripe") : sourcePath("stripe", "accounts", account),
  slack: (team: string | undefined, app: string | undefined) => {
    const path = sourcePath("slack", "teams", team ?? "any");
    return app === undefined ? path : path + sourcePath("apps", app);
  },
  sns: (topicArn: string | undefined) => sourcePath("sns", topicArn),
  standardWebhooks: (sender?: string) => sourcePath("standard-webhooks", sender),
} as const;
