import { isObject, type ObjectLike } from "../../../internal/is-object.ts";
import { jsonKind } from "../../../internal/json-kind.ts";
import { byHeader, byPointer, firstOf, type IdFields, type IdSelector } from "../../../model/identify/id-selector.ts";
import { senderScope, sourcePath } from "../../../model/identify/sender-scope.ts";

/** Recognition and identification of each sender's webhooks. */
export interface Sender {
  /** Name for messages, with its article: `a GitLab webhook`. */
  readonly name: string;
  /** Returns true for the sender's requests. */
  matches(fields: IdFields): boolean;
  readonly id: IdSelector;
  /** Scope within which the id is unique. */
  readonly scope: Scope;
  type(fields: IdFields): string;
  /** Returns the CloudEvents source. @default the path of the scope */
  readonly source?: (fields: IdFields) => string;
  /** Headers to forward. */
  readonly forwarded: RegExp;
}

interface Scope {
  readonly fields: readonly ScopeField[];
  /** Returns the scope as a path, from the values of its fields. Empty if the id alone identifies the event. */
  path(...values: ReadonlyArray<string | undefined>): string;
}

/** A field that may be missing. If it exists, it must be one string: otherwise the events of two scopes could become one. */
interface ScopeField {
  readonly label: string;
  values(fields: IdFields): readonly unknown[];
}

const header = (name: string): ScopeField => ({
  label: `the header \`${name}\``,
  values: (fields) => fields.header(name),
});

const pointer = (name: string): ScopeField => ({
  label: `the member \`/${name}\``,
  values: (fields) => [body(fields)[name]],
});

/** Returns the scope of a request, or why it has none. */
export function scopeOf({ scope }: Sender, fields: IdFields): { readonly path: string } | { readonly refused: string } {
  const values: (string | undefined)[] = [];
  for (const field of scope.fields) {
    const { label } = field;
    const [value, ...others] = field.values(fields).filter((one) => one !== undefined && one !== null && one !== "");
    if (others.length > 0) return { refused: `${label} occurs ${others.length + 1} times` };
    if (value !== undefined && (typeof value !== "string" || !value.isWellFormed())) {
      return { refused: `${label} is ${jsonKind(value)}, not a string` };
    }
    values.push(value);
  }
  return { path: scope.path(...values) };
}

const text = (fields: IdFields, name: string): string | undefined => {
  const values = fields.header(name);
  const [value] = values;
  return values.length === 1 && typeof value === "string" && value !== "" ? value : undefined;
};

const has =
  (...names: readonly string[]) =>
  (fields: IdFields): boolean =>
    names.some((name) => fields.header(name).length > 0);

const body = (fields: IdFields): ObjectLike => {
  const value = fields.json();
  return isObject(value) ? value : {};
};

const member = (value: ObjectLike, name: string): string | undefined => {
  const found = value[name];
  return typeof found === "string" && found !== "" && found.isWellFormed() ? found : undefined;
};

const named = (prefix: string, kind: string | undefined): string => (kind === undefined ? prefix : `${prefix}.${kind}`);

function urlOf(owner: unknown): string | undefined {
  const url = isObject(owner) ? owner["url"] : undefined;
  return typeof url === "string" && url !== "" ? url : undefined;
}

const GITHUB: Sender = {
  name: "a GitHub delivery",
  matches: has("x-github-event", "x-github-delivery"),
  id: byHeader("x-github-delivery"),
  scope: {
    fields: [
      header("x-github-hook-id"),
      header("x-github-hook-installation-target-id"),
      header("x-github-hook-installation-target-type"),
    ],
    // A recording without these headers has nothing but the delivery id.
    path: (hook, target, targetType) =>
      hook === undefined && target === undefined ? "" : senderScope.gitHub({ hook, targetType, target }),
  },
  // Type and source are those of the GitHub adapter of the CloudEvents project.
  type(fields) {
    const { action } = body(fields);
    const event = `com.github.${text(fields, "x-github-event") ?? "unknown"}`;
    return named(event, typeof action === "string" ? action.toWellFormed() : undefined);
  },
  source(fields) {
    const { repository, organization } = body(fields);
    return (urlOf(repository) ?? urlOf(organization) ?? "https://api.github.com").toWellFormed();
  },
  forwarded: /^(x-github-[a-z0-9-]+|x-hub-signature(-256)?)$/,
};

/** Senders in the order in which they are tried: those with their own headers first. */
export const SENDERS: readonly Sender[] = [
  GITHUB,
  {
    name: "a GitLab webhook",
    matches: has("x-gitlab-event"),
    id: firstOf(byHeader("idempotency-key"), byHeader("x-gitlab-event-uuid")),
    scope: {
      fields: [header("idempotency-key"), header("x-gitlab-webhook-uuid")],
      path: (key, hook) => (key === undefined ? senderScope.gitLabHook(hook) : senderScope.gitLab()),
    },
    type: (fields) => named("com.gitlab", text(fields, "x-gitlab-event")?.toLowerCase().replaceAll(" ", "_")),
    forwarded: /^x-gitlab-[a-z0-9-]+$/,
  },
  {
    name: "a Bitbucket webhook",
    matches: has("x-event-key"),
    id: byHeader("x-request-uuid"),
    scope: { fields: [header("x-hook-uuid")], path: (hook) => senderScope.bitbucket(hook) },
    type: (fields) => named("org.bitbucket", text(fields, "x-event-key")?.replaceAll(":", ".")),
    forwarded: /^(x-event-key|x-hook-uuid|x-request-uuid|x-attempt-number|x-hub-signature)$/,
  },
  {
    name: "a Shopify webhook",
    matches: has("x-shopify-topic", "x-shopify-webhook-id", "x-shopify-event-id"),
    id: firstOf(byHeader("x-shopify-event-id"), byHeader("x-shopify-webhook-id")),
    scope: {
      fields: [header("x-shopify-shop-domain"), header("x-shopify-topic")],
      path: (shop, topic) => senderScope.shopify(shop, topic),
    },
    type: (fields) => named("com.shopify", text(fields, "x-shopify-topic")?.replaceAll("/", ".")),
    forwarded: /^x-shopify-[a-z0-9-]+$/,
  },
  {
    name: "a Gitea webhook",
    matches: has("x-gitea-event", "x-gitea-delivery"),
    id: byHeader("x-gitea-delivery"),
    scope: { fields: [], path: () => sourcePath("gitea") },
    type: (fields) => named("io.gitea", text(fields, "x-gitea-event")),
    forwarded: /^x-gitea-[a-z0-9-]+$/,
  },
  {
    name: "a Stripe event",
    matches: (fields) =>
      has("stripe-signature")(fields) || (member(body(fields), "object") === "event" && "id" in body(fields)),
    id: byPointer("/id"),
    scope: {
      fields: [pointer("account"), pointer("context")],
      path: (account, context) => senderScope.stripe(account ?? context),
    },
    type: (fields) => named("com.stripe", member(body(fields), "type")),
    forwarded: /^stripe-[a-z0-9-]+$/,
  },
  {
    name: "a Slack event",
    matches: (fields) => has("x-slack-signature")(fields) || member(body(fields), "type") === "event_callback",
    id: byPointer("/event_id"),
    scope: { fields: [pointer("team_id"), pointer("api_app_id")], path: (team, app) => senderScope.slack(team, app) },
    type: (fields) => {
      const { event } = body(fields);
      return named("com.slack", (isObject(event) ? member(event, "type") : undefined) ?? member(body(fields), "type"));
    },
    forwarded: /^x-slack-[a-z0-9-]+$/,
  },
  {
    name: "an SNS notification",
    matches: (fields) => "TopicArn" in body(fields) && "MessageId" in body(fields),
    id: byPointer("/MessageId"),
    scope: { fields: [pointer("TopicArn")], path: (topicArn) => senderScope.sns(topicArn) },
    type: () => "com.amazonaws.sns.notification",
    forwarded: /^x-amz-sns-[a-z0-9-]+$/,
  },
  {
    name: "an SQS message",
    // Other messages have a `messageId` and a `body` too.
    matches: (fields) => body(fields)["eventSource"] === "aws:sqs" && "messageId" in body(fields),
    id: byPointer("/messageId"),
    scope: { fields: [pointer("eventSourceARN")], path: (queue) => sourcePath("sqs", queue) },
    type: () => "com.amazonaws.sqs.message",
    forwarded: /^$/,
  },
  {
    name: "an EventBridge event",
    matches: (fields) => "detail-type" in body(fields) && "detail" in body(fields),
    id: byPointer("/id"),
    scope: {
      fields: [pointer("account"), pointer("source")],
      path: (account, source) => sourcePath("eventbridge", account, source),
    },
    type: (fields) => named("com.amazonaws.events", member(body(fields), "detail-type")?.replaceAll(/\s+/g, "_")),
    forwarded: /^$/,
  },
  {
    name: "a webhook in the Standard Webhooks format",
    matches: has("webhook-id"),
    id: byHeader("webhook-id"),
    scope: { fields: [], path: () => senderScope.standardWebhooks() },
    type: (fields) => member(body(fields), "type") ?? "webhook",
    forwarded: /^webhook-[a-z0-9-]+$/,
  },
];
