import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Source } from "../../../src/http/source.ts";
import { bitbucket } from "../../../src/http/sources/bitbucket.ts";
import { cloudEvents } from "../../../src/http/sources/cloud-events.ts";
import { github } from "../../../src/http/sources/github.ts";
import { gitlab } from "../../../src/http/sources/gitlab.ts";
import { idempotencyKey } from "../../../src/http/sources/idempotency-key.ts";
import { shopify } from "../../../src/http/sources/shopify.ts";
import { slack } from "../../../src/http/sources/slack.ts";
import { sns } from "../../../src/http/sources/sns.ts";
import { standardWebhooks } from "../../../src/http/sources/standard-webhooks.ts";
import { stripe } from "../../../src/http/sources/stripe.ts";
import { rawRequest } from "../raw-request.ts";
import { STANDARD_SECRET, signBitbucket, signGitHub, signGitLab, signShopify, signStandard } from "../signers.ts";

const identify = (source: Source, headers: Readonly<Record<string, string>>, body = "{}") =>
  source.identify(rawRequest(body, headers));

const gitHub = github({ secret: "s" });
const gitHubHeaders = signGitHub("", "s", 0);

describe("an event of GitHub", () => {
  it("is named by its delivery, hook and installation target", () => {
    expect(identify(gitHub, gitHubHeaders, '{"action":"opened"}')).toEqual({
      source: "/github/repository/79929171/hooks/292430182",
      id: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
      type: "com.github.push.opened",
    });
  });

  it.each([
    "x-github-hook-id",
    "x-github-hook-installation-target-id",
    "x-github-hook-installation-target-type",
    "x-github-delivery",
  ])("differs if only `%s` differs", (name) => {
    const { source, id } = identify(gitHub, gitHubHeaders);
    const other = identify(gitHub, { ...gitHubHeaders, [name]: "another" });
    expect([other.source, other.id]).not.toEqual([source, id]);
  });

  it.each(Object.keys(gitHubHeaders).filter((name) => name !== "x-hub-signature-256"))(
    "is refused without `%s`, naming the header",
    (name) => {
      const { [name]: _, ...headers } = gitHubHeaders;
      expect(() => identify(gitHub, headers)).toThrow(`The header \`${name}\` is missing`);
    },
  );

  it("is refused if a header occurs twice", () => {
    const request = rawRequest("{}", gitHubHeaders);
    request.headers.append("x-github-delivery", "second");
    expect(() => gitHub.identify(request)).toThrow("The header `x-github-delivery` occurs more than once");
  });

  it("has its type from the field `payload` if the hook sends forms", () => {
    const headers = { ...gitHubHeaders, "content-type": "application/x-www-form-urlencoded" };
    const form = String(new URLSearchParams({ payload: '{"action":"opened"}' }));
    expect(identify(gitHub, headers, form).type).toBe("com.github.push.opened");
    expect(identify(gitHub, headers, "action=opened").type).toBe("com.github.push");
    expect(identify(gitHub, headers, "payload=%FF").type).toBe("com.github.push");
  });

  it.each(["", "not JSON", "[]", '{"action":7}'])("has its type from the header alone if the body is %j", (body) => {
    expect(identify(gitHub, gitHubHeaders, body).type).toBe("com.github.push");
  });
});

describe("an event of another sender", () => {
  it("is named by what the signature covers if GitLab has a signing token", () => {
    const headers = signGitLab("", STANDARD_SECRET, 0);
    const replayed = { ...headers, "x-gitlab-webhook-uuid": "another" };
    const source = gitlab({ signingToken: STANDARD_SECRET });
    expect(identify(source, headers)).toMatchObject({ source: "/gitlab", id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W" });
    expect(identify(source, replayed)).toEqual(identify(source, headers));
  });

  it("is named by GitLab's idempotency key, which is new for each webhook of an event", () => {
    expect(identify(gitlab({ secretToken: "t" }), signGitLab("", STANDARD_SECRET, 0))).toEqual({
      source: "/gitlab",
      id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
      type: "com.gitlab.push_hook",
    });
  });

  it("is named by Bitbucket's request and hook", () => {
    expect(identify(bitbucket({ secret: "s" }), signBitbucket("", "s", 0))).toEqual({
      source: "/bitbucket/hooks/%7B9f4c1ab1-29a7-4c0b-9d0b-1f0a3b9ad2f1%7D",
      id: "5c1bd0ac-4a9c-4a2f-9e4b-4f76b2a3b1aa",
      type: "org.bitbucket.repo.push",
    });
  });

  it("is named by Shopify's event, shop and topic", () => {
    expect(identify(shopify({ secret: "s" }), signShopify("", "s", 0))).toEqual({
      source: "/shopify/shops/example.myshopify.com/topics/orders%2Fcreate",
      id: "98880550-7158-44d4-b7cd-2c97c8a091b5",
      type: "com.shopify.orders.create",
    });
  });

  it("is named by its id and the sender for Standard Webhooks", () => {
    const source = standardWebhooks({ secret: STANDARD_SECRET, sender: "acme" });
    expect(identify(source, signStandard("", STANDARD_SECRET, 0), '{"type":"invoice.paid"}')).toEqual({
      source: "/standard-webhooks/acme",
      id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
      type: "invoice.paid",
    });
  });

  it.each([
    ['{"id":"evt_1","type":"charge.succeeded"}', "/stripe"],
    ['{"id":"evt_1","type":"charge.succeeded","account":"acct_1"}', "/stripe/accounts/acct_1"],
  ])("is named by the id in Stripe's body %s within %s", (body, source) => {
    const event = identify(stripe({ secret: "s" }), {}, body);
    expect(event).toEqual({ source, id: "evt_1", type: "com.stripe.charge.succeeded" });
  });

  it("is named by Slack's event id, app and team", () => {
    const body = JSON.stringify({
      api_app_id: "A1",
      team_id: "T1",
      event_id: "Ev08MFMKH6",
      type: "event_callback",
      event: { type: "app_mention" },
    });
    expect(identify(slack({ signingSecret: "s" }), {}, body)).toEqual({
      source: "/slack/teams/T1/apps/A1",
      id: "Ev08MFMKH6",
      type: "com.slack.app_mention",
    });
  });

  it("is named by Amazon SNS's message and topic", () => {
    const topic = "arn:aws:sns:eu-central-1:123456789012:orders";
    expect(identify(sns({ topicArns: [topic] }), {}, JSON.stringify({ MessageId: "m-1", TopicArn: topic }))).toEqual({
      source: `/sns/${encodeURIComponent(topic)}`,
      id: "m-1",
      type: "com.amazonaws.sns.notification",
    });
  });
});

describe("an id in a JSON body", () => {
  it.each([
    ['{"id":9007199254740993}', "but a number"],
    ['{"id":null}', "but null"],
    ['{"id":["a"]}', "but a list"],
    ['{"id":{"a":1}}', "but an object"],
    ['{"id":true}', "but a boolean"],
    ['{"id":""}', "not a well-formed, non-empty string"],
    ['{"id":"\\ud800"}', "not a well-formed, non-empty string"],
    ["{}", "is missing"],
  ])("is refused in %s, saying what was found", (body, found) => {
    expect(() => identify(stripe({ secret: "s" }), {}, body)).toThrow(found);
  });

  it.each(["", "[]", "null", "7", '"text"', "{", "\u0000"])("is refused if the body is %j", (body) => {
    expect(() => identify(stripe({ secret: "s" }), {}, body)).toThrow("The body is not a JSON object");
  });
});

describe("a CloudEvent over HTTP", () => {
  const source = cloudEvents();
  const headers = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.paid" };
  const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };

  it("counts as signed only if the receiver says so", () => {
    const verify = async () => ({ verified: true }) as const;
    expect(cloudEvents({ verify }).signsId).toBe(false);
    expect(cloudEvents({ verify, signsId: true }).signsId).toBe(true);
  });

  it("is named by the same source and id in binary and structured mode", () => {
    const event = { source: "/shop", id: "1", type: "order.paid" };
    expect(identify(source, headers)).toEqual(event);
    expect(identify(source, structured, JSON.stringify({ specversion: "1.0", ...event }))).toEqual(event);
  });

  it("has its header values percent-decoded once", () => {
    expect(identify(source, { ...headers, "ce-id": "order%20%E2%82%AC1%2525" }).id).toBe("order €1%25");
  });

  it("has its header values read as UTF-8 if a sender does not encode them", () => {
    const raw = Buffer.from("\ufefforder €1").toString("latin1");
    expect(identify(source, { ...headers, "ce-id": raw }).id).toBe("\ufefforder €1");
    expect(identify(source, { ...headers, "ce-id": "caf\u00e9" }).id).toBe("caf\u00e9");
  });

  it.each(["%", "%zz", "%ff"])("keeps the header value %j, which is not percent-encoded UTF-8", (value) => {
    expect(identify(source, { ...headers, "ce-id": value }).id).toBe(value);
  });

  it.each(["id", "source", "type"])("is refused without `%s`, naming the attribute", (name) => {
    const rest = Object.fromEntries(Object.entries(headers).filter(([header]) => header !== `ce-${name}`));
    expect(() => identify(source, rest)).toThrow(`attribute \`${name}\` is not a non-empty string but nothing`);
  });

  it("is refused in structured mode if its id is a number", () => {
    const body = '{"specversion":"1.0","id":9007199254740993,"source":"/s","type":"t"}';
    expect(() => identify(source, structured, body)).toThrow("`id` is not a non-empty string but a number");
  });

  it("is refused as a batch, with advice", () => {
    expect(() => identify(source, { "content-type": "application/cloudevents-batch+json" }, "[]")).toThrow(
      "Send the events one by one",
    );
  });

  it("is split from a batch with its own text, if batches are allowed", () => {
    const batch =
      ' [ {"specversion":"1.0","id":"a","source":"/s","type":"t","data":12345678901234567890} , {"id":"]"} ] ';
    const headers = { "content-type": "application/cloudevents-batch+json; charset=utf-8", "x-other": "1" };
    const parts = cloudEvents({ batches: "split" }).split?.(rawRequest(batch, headers)) ?? [];
    expect(parts.map(({ body }) => Buffer.from(body).toString())).toEqual([
      '{"specversion":"1.0","id":"a","source":"/s","type":"t","data":12345678901234567890}',
      '{"id":"]"}',
    ]);
    expect(parts.map((part) => part.headers.get("content-type"))).toEqual(
      Array(2).fill("application/cloudevents+json"),
    );
  });

  it("is not split from a request that is no batch", () => {
    expect(cloudEvents({ batches: "split" }).split?.(rawRequest("[]", { "content-type": "application/json" }))).toBe(
      undefined,
    );
  });

  it("is refused without any attribute", () => {
    expect(() => identify(source, {})).toThrow("no CloudEvents attributes");
  });
});

describe("a request with an idempotency key", () => {
  const source = idempotencyKey();

  it("is named by the key within its path", () => {
    expect(identify(source, { "idempotency-key": "k-1" })).toEqual({
      source: `/requests/${createHash("sha256").update("/hook").digest("base64url")}`,
      id: "k-1",
      type: "request",
    });
  });

  it.each([
    ['"k-1"', "k-1"],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['k"1', 'k"1'],
  ])("reads the structured-field string %s as %s", (value, id) => {
    expect(identify(source, { "idempotency-key": value }).id).toBe(id);
  });

  it("has another identity in another scope", () => {
    const scoped = idempotencyKey({ header: "X-Key", scope: ({ headers }) => headers.get("x-account") ?? "" });
    const [a, b] = ["a", "b"].map((account) => identify(scoped, { "x-key": "1", "x-account": account }));
    expect(a?.source).not.toBe(b?.source);
  });

  it("never has its scope in clear text: it may be a credential", () => {
    const scoped = idempotencyKey({ scope: ({ headers }) => headers.get("authorization") ?? "" });
    const event = identify(scoped, { "idempotency-key": "k", authorization: "Bearer t0ken" });
    expect(JSON.stringify(event)).not.toContain("t0ken");
  });

  it.each(["", "a b", "ä", 7])("refuses %j as the name of its header", (header) => {
    expect(() => void Reflect.apply(idempotencyKey, undefined, [{ header }])).toThrow("Expected `header` to be");
  });

  it.each([{}, { "idempotency-key": "" }, { "idempotency-key": '""' }])("is refused with the headers %j", (headers) => {
    expect(() => identify(source, headers)).toThrow(/missing|empty/);
  });
});
