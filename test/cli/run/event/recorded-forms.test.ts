import { describe, expect, it } from "vitest";
import { problemText } from "../../../../src/cli/run/event/event-problem.ts";
import type { IncomingEvent } from "../../../../src/cli/run/event/incoming-event.ts";
import { readEvent, type Selection } from "../../../../src/cli/run/event/read-event.ts";
import { byHeader, byPointer, firstOf } from "../../../../src/model/identify/id-selector.ts";

function read(line: object | string, selection?: Selection): IncomingEvent {
  const reading = readEvent(Buffer.from(typeof line === "string" ? line : JSON.stringify(line)), selection);
  if ("problem" in reading) throw new Error(problemText(reading));
  return reading.event;
}

function problem(line: object | string, selection?: Selection): string {
  const reading = readEvent(Buffer.from(typeof line === "string" ? line : JSON.stringify(line)), selection);
  return "problem" in reading ? problemText(reading) : `an event: ${reading.event.eventId}`;
}

const PING = { "X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1" };

describe("a recorded request", () => {
  it.each<readonly [form: string, line: object]>([
    ["with any case of header names", { headers: { "x-GITHUB-event": "ping", "X-GITHUB-DELIVERY": "d-1" }, body: {} }],
    ["with any case of member names", { Headers: PING, Body: {} }],
    ["with any other case of member names", { HEADERS: PING, rawbody: "{}" }],
    ["with a list of pairs", { headers: Object.entries(PING), body: {} }],
    ["with lists of values", { headers: { "x-github-event": ["ping"], "x-github-delivery": ["d-1"] }, body: {} }],
    [
      "with a list of names and values",
      { headers: Object.entries(PING).map(([name, value]) => ({ name, value })), body: {} },
    ],
    [
      "of a function gateway",
      { multiValueHeaders: { "X-GitHub-Event": ["ping"], "X-GitHub-Delivery": ["d-1"] }, headers: null, body: "{}" },
    ],
    ["of a gateway with base64", { headers: PING, isBase64Encoded: true, body: Buffer.from("{}").toString("base64") }],
    ["of smee.io", { ...PING, "content-type": "application/json", body: {}, query: {}, timestamp: 1, host: "smee.io" }],
    [
      "of GitHub's delivery API",
      { id: 1, guid: "d-1", event: "ping", request: { headers: PING, payload: {} }, response: {} },
    ],
    ["with a payload", { headers: PING, payload: {} }],
    ["with a raw body", { headers: PING, rawBody: "{}" }],
    ["with white space around a value", { headers: { ...PING, "X-GitHub-Delivery": " d-1\t" }, body: {} }],
    ["with an identical header twice", { headers: { ...PING, "x-github-delivery": "d-1" }, body: {} }],
  ])("is read in the form %s", (_, line) => {
    const event = read(line);
    expect(event).toMatchObject({ format: "webhook", eventId: "d-1", contentType: "application/json" });
    expect(Buffer.from(event.body).toString()).toBe("{}");
    expect(event.headers).toEqual({ "x-github-event": "ping", "x-github-delivery": "d-1" });
  });

  it("of smee.io may have no content type, and other values than texts", () => {
    const { contentType, headers } = read({ ...PING, "x-github-enterprise-version": 3, body: "{}" });
    expect(contentType).toBe("application/json");
    expect(headers).toEqual({ "x-github-event": "ping", "x-github-delivery": "d-1" });
  });

  it("has a list or an empty text as payload", () => {
    expect(read({ headers: PING, body: [1] }).body).toBe("[1]");
    expect(read({ headers: PING, body: "" }).body).toBe("");
  });

  it.each<readonly [line: object, text: string]>([
    [
      { headers: { ...PING, "X-GitHub-Delivery": 1234 }, body: {} },
      "the header `x-github-delivery` is a number, not a non-empty string",
    ],
    [{ headers: { ...PING, "x-github-delivery": "d-2" }, body: {} }, "the header `x-github-delivery` occurs 2 times"],
    [
      { headers: { "X-GitHub-Event": "ping" }, body: {} },
      "the header `x-github-delivery` is missing (a GitHub delivery)",
    ],
    [{ headers: PING, body: null }, "the recorded request has no payload: its `body` is null"],
    [{ headers: PING, body: 7 }, "its `body` is a number"],
    [{ headers: PING }, "the recorded request has no `body` or `payload`"],
    [{ headers: PING, isBase64Encoded: true, body: "e3" }, "`body` is not base64"],
    [{ headers: { host: "x" }, body: {} }, "without the headers of a known sender; give --id"],
    [{ headers: { "content-type": "application/cloudevents-batch+json" }, body: [{}] }, "a batch of CloudEvents"],
    [{ headers: {}, body: {} }, "no identity"],
  ])("is refused: %j", (line, text) => {
    expect(problem(line)).toContain(text);
  });
});

describe("the identity of a GitHub delivery", () => {
  const hook = (id: string, target: string, type = "repository"): object => ({
    headers: {
      ...PING,
      "X-GitHub-Hook-ID": id,
      "X-GitHub-Hook-Installation-Target-ID": target,
      "X-GitHub-Hook-Installation-Target-Type": type,
    },
    body: {},
  });

  it("includes the hook and its installation target, because hooks share delivery ids", () => {
    const ids = [hook("1", "10"), hook("2", "10"), hook("1", "11"), hook("1", "10", "organization")].map(
      (line) => read(line).eventId,
    );
    expect(ids[0]).toBe('["/github/repository/10/hooks/1","d-1"]');
    expect(new Set(ids).size).toBe(4);
    expect(problem({ headers: { ...PING, "X-GitHub-Hook-ID": 1 }, body: {} })).toBe(
      "no identity: the header `x-github-hook-id` is a number, not a string (a GitHub delivery)",
    );
    expect(read(hook("1", "10")).eventId).toBe(ids[0]);
    expect(read({ headers: PING, body: {} }).eventId).toBe("d-1");
  });
});

describe("the webhook of a known sender", () => {
  const record = (headers: object, body: unknown = {}): object => ({ headers, body });

  it.each<readonly [sender: string, line: object, eventId: string, type: string]>([
    [
      "GitLab",
      record({ "X-Gitlab-Event": "Push Hook", "Idempotency-Key": "k-1", "X-Gitlab-Webhook-UUID": "h-1" }),
      '["/gitlab","k-1"]',
      "com.gitlab.push_hook",
    ],
    [
      "GitLab before 17.4",
      record({ "X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "u-1", "X-Gitlab-Webhook-UUID": "h-1" }),
      '["/gitlab/hooks/h-1","u-1"]',
      "com.gitlab.push_hook",
    ],
    [
      "Bitbucket",
      record({ "X-Event-Key": "repo:push", "X-Request-UUID": "r-1", "X-Hook-UUID": "h-1" }),
      '["/bitbucket/hooks/h-1","r-1"]',
      "org.bitbucket.repo.push",
    ],
    [
      "Shopify",
      record({
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Event-Id": "e-1",
        "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Shop-Domain": "s.example",
      }),
      '["/shopify/shops/s.example/topics/orders%2Fcreate","e-1"]',
      "com.shopify.orders.create",
    ],
    ["Gitea", record({ "X-Gitea-Event": "push", "X-Gitea-Delivery": "g-1" }), '["/gitea","g-1"]', "io.gitea.push"],
    [
      "Stripe",
      record({ "Stripe-Signature": "t=1" }, { id: "evt_1", object: "event", type: "charge.succeeded" }),
      '["/stripe","evt_1"]',
      "com.stripe.charge.succeeded",
    ],
    [
      "Stripe without headers",
      { id: "evt_1", object: "event", type: "charge.succeeded", account: "acct_1" },
      '["/stripe/accounts/acct_1","evt_1"]',
      "com.stripe.charge.succeeded",
    ],
    [
      "Slack",
      { type: "event_callback", event_id: "Ev1", team_id: "T", api_app_id: "A", event: { type: "app_mention" } },
      '["/slack/teams/T/apps/A","Ev1"]',
      "com.slack.app_mention",
    ],
    [
      "Slack without its event",
      { type: "event_callback", event_id: "Ev1" },
      '["/slack/teams/any","Ev1"]',
      "com.slack.event_callback",
    ],
    [
      "Standard Webhooks without a type",
      record({ "webhook-id": "msg_1" }),
      '["/standard-webhooks","msg_1"]',
      "webhook",
    ],
    [
      "Standard Webhooks",
      record({ "webhook-id": "msg_1", "webhook-timestamp": "1" }, { type: "a.b" }),
      '["/standard-webhooks","msg_1"]',
      "a.b",
    ],
    [
      "SNS",
      { Type: "Notification", MessageId: "m-1", TopicArn: "arn:t", Message: "{}" },
      '["/sns/arn%3At","m-1"]',
      "com.amazonaws.sns.notification",
    ],
    [
      "SQS",
      { messageId: "m-1", body: "{}", eventSource: "aws:sqs", eventSourceARN: "arn:q" },
      '["/sqs/arn%3Aq","m-1"]',
      "com.amazonaws.sqs.message",
    ],
    [
      "EventBridge",
      { version: "0", id: "e-1", "detail-type": "EC2 State", source: "aws.ec2", account: "1", detail: {} },
      '["/eventbridge/1/aws.ec2","e-1"]',
      "com.amazonaws.events.EC2_State",
    ],
  ])("is identified by its own id: %s", (_, line, eventId, type) => {
    expect(read(line)).toMatchObject({ format: "webhook", eventId, attributes: { specversion: "1.0", type } });
  });

  it.each<readonly [sender: string, line: object, why: string]>([
    [
      "Bitbucket",
      record({ "X-Event-Key": "repo:push", "X-Request-UUID": "r-1", "X-Hook-UUID": ["h-1", "h-2"] }),
      "the header `x-hook-uuid` occurs 2 times",
    ],
    [
      "Shopify",
      record({ "X-Shopify-Topic": "a/b", "X-Shopify-Event-Id": "e-1", "X-Shopify-Shop-Domain": {} }),
      "the header `x-shopify-shop-domain` is an object, not a string",
    ],
    ["Stripe", { id: "evt_1", object: "event", account: 7 }, "the member `/account` is a number, not a string"],
    ["Slack", { type: "event_callback", event_id: "E", team_id: 7 }, "the member `/team_id` is a number, not a string"],
    [
      "EventBridge",
      { id: "e-1", "detail-type": "d", source: "s", account: 123456789012, detail: {} },
      "the member `/account` is a number, not a string",
    ],
  ])("is refused if the scope of its id is not a string: %s", (_, line, why) => {
    expect(problem(line)).toContain(`no identity: ${why}`);
  });

  it("is not taken for one of SQS because it has a `messageId` and a `body`", () => {
    expect(problem({ messageId: "m-1", body: "hi" })).toContain("give --id");
  });

  it("keeps the headers that its receiver needs to verify it", () => {
    const headers = { "Stripe-Signature": "t=1,v1=x", Cookie: "secret", "X-Other": "1" };
    expect(read(record(headers, { id: "evt_1", object: "event" })).headers).toEqual({ "stripe-signature": "t=1,v1=x" });
  });

  it("is refused if its id is a number, with what was found", () => {
    expect(problem('{"object":"event","id":9007199254740993}')).toContain("the member `/id` is a number");
    expect(problem({ type: "event_callback", event_id: null })).toContain("the member `/event_id` is missing");
  });

  it("is refused in a list of records, with the command that separates them", () => {
    expect(problem({ Records: [{ messageId: "1", body: "{}" }] })).toBe(
      "a batch of records: write one per line with jq -c '.Records[]'",
    );
    const batch = [{ specversion: "1.0" }];
    const encoded = Buffer.from(JSON.stringify(batch)).toString("base64");
    for (const [line, filter] of [
      [{ headers: { "x-a": "1" }, body: batch }, ".body | .[]"],
      [{ headers: { "x-a": "1" }, payload: JSON.stringify(batch) }, ".payload | fromjson | .[]"],
      [{ headers: { "x-a": "1" }, isBase64Encoded: true, body: encoded }, ".body | @base64d | fromjson | .[]"],
      [{ request: { headers: {}, payload: batch } }, ".request.payload | .[]"],
      [{ headers: { "x-a": "1" }, body: '{"Records":[]}' }, ".body | fromjson | .Records[]"],
    ] as const) {
      expect(problem(line)).toContain(`: write one per line with jq -c '${filter}'`);
    }
    expect(problem([{ specversion: "1.0" }])).toBe("a batch of CloudEvents: write one per line with jq -c '.[]'");
  });
});

describe("a recorded CloudEvent", () => {
  const headers = { "ce-id": "order%20%E2%82%AC1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0" };
  const structured = { specversion: "1.0", id: "order €1", source: "/s", type: "t", data: { n: 1 } };

  it("has the same identity in every form", () => {
    const forms = [
      { headers, body: { n: 1 } },
      { headers: { ...headers, "ce-id": "order €1" }, body: { n: 1 } },
      structured,
      { headers: { "content-type": "application/cloudevents+json" }, body: structured },
      { headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify(structured) },
      {
        headers: { "content-type": "application/cloudevents+json" },
        isBase64Encoded: true,
        body: Buffer.from(JSON.stringify(structured)).toString("base64"),
      },
    ].map((line) => read(line));
    expect(forms.map(({ eventId }) => eventId)).toEqual(forms.map(() => '["/s","order €1"]'));
    expect(forms.map(({ body }) => body)).toEqual(forms.map(() => '{"n":1}'));
  });

  it.each<readonly [line: object | string, text: string]>([
    [
      '{"specversion":"1.0","id":9007199254740993,"source":"/o","type":"t"}',
      "the CloudEvent's `id` is a number, not a non-empty string",
    ],
    [
      '{"specversion":"1.0","id":"1","source":"/o","type":"t","extn":9007199254740993}',
      "the CloudEvent's `extn` is a number",
    ],
    ['{"specversion":"1.0","id":["1"],"source":"/o","type":"t"}', "the CloudEvent's `id` is a list"],
    [{ headers: { ...headers, "ce-id": 7 }, body: {} }, "the CloudEvent's `id` is a number"],
    [{ headers: { ...headers, "ce-id": ["1", "2"] }, body: {} }, "the CloudEvent's `id` is a list"],
    [{ headers: { "ce-id": "1", "ce-source": "/s" }, body: {} }, "the CloudEvent has no `specversion`"],
    [{ headers: { host: "x" }, body: { ...structured, id: 7 } }, "the CloudEvent's `id` is a number"],
  ])("is refused: %j", (line, text) => {
    expect(problem(line)).toContain(text);
  });
});

describe("--id", () => {
  it("identifies any JSON object by a member, or a recorded request by a header or a member of its payload", () => {
    const order = { order: { id: "o-1", kind: "paid" } };
    expect(read(order, { id: byPointer("/order/id"), type: byPointer("/order/kind") })).toMatchObject({
      format: "opaque",
      eventId: "o-1",
      attributes: { specversion: "1.0", id: "o-1", type: "paid" },
      body: JSON.stringify(order),
    });
    const recorded = { headers: { "X-Id": "h-1", Host: "x" }, body: JSON.stringify(order) };
    expect(read(recorded, { id: byHeader("x-id") })).toMatchObject({ eventId: "h-1", body: recorded.body });
    expect(read(recorded, { id: byPointer("/order/id") })).toMatchObject({ eventId: "o-1" });
    expect(read(recorded, { id: firstOf(byHeader("x-none"), byPointer("/order/id")) }).eventId).toBe("o-1");
    const encoded = { headers: { "ce-id": "order%20%E2%82%AC1" }, body: {} };
    expect(read(encoded, { id: byHeader("CE-ID") }).eventId).toBe("order €1");
  });

  it("replaces the identity of other events, and keeps their attributes", () => {
    const line = { specversion: "1.0", id: "1", source: "/s", type: "t", data: { key: "k" } };
    expect(read(line, { id: byPointer("/data/key"), subject: byPointer("/data/key") })).toMatchObject({
      eventId: "k",
      attributes: { id: "1", source: "/s", subject: "k" },
    });
  });

  it("refuses what is not a string, and reports what is missing", () => {
    expect(problem('{"id":12345678901234567890}', { id: byPointer("/id") })).toBe(
      "no identity: the member `/id` is a number, not a non-empty string (--id)",
    );
    expect(problem({}, { id: byPointer("/id") })).toBe("no identity: the member `/id` is missing (--id)");
    expect(problem({ id: "1", t: 5 }, { id: byPointer("/id"), type: byPointer("/t") })).toContain("(--type)");
    expect(problem({ headers: { "x-id": "1" }, body: null }, { id: byHeader("x-id") })).toContain("has no payload");
  });
});
