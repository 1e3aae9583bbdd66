import { describe, expect, it } from "vitest";
import { readEvent } from "../../../src/cli/run/event/read-event.ts";
import type { Source } from "../../../src/http/source.ts";
import { bitbucket } from "../../../src/http/sources/bitbucket.ts";
import { github } from "../../../src/http/sources/github.ts";
import { gitlab } from "../../../src/http/sources/gitlab.ts";
import { shopify } from "../../../src/http/sources/shopify.ts";
import { slack } from "../../../src/http/sources/slack.ts";
import { sns } from "../../../src/http/sources/sns.ts";
import { standardWebhooks } from "../../../src/http/sources/standard-webhooks.ts";
import { stripe } from "../../../src/http/sources/stripe.ts";
import { cloudEventId } from "../../../src/model/cloud-event.ts";
import { rawRequest } from "../../http/raw-request.ts";
import {
  type Sign,
  STANDARD_SECRET,
  signBitbucket,
  signGitHub,
  signGitLab,
  signShopify,
  signSlack,
  signStandard,
  signStripe,
} from "../../http/signers.ts";

const slackBody = {
  type: "event_callback",
  event_id: "Ev1",
  api_app_id: "A1",
  team_id: "T1",
  event: { type: "message" },
};
const senders: readonly (readonly [name: string, source: Source, sign: Sign, body: object])[] = [
  ["GitHub", github({ secret: "s" }), signGitHub, { action: "opened" }],
  ["GitLab", gitlab({ secretToken: "s" }), signGitLab, {}],
  ["GitLab with a signing token", gitlab({ signingToken: STANDARD_SECRET }), signGitLab, {}],
  ["Bitbucket", bitbucket({ secret: "s" }), signBitbucket, {}],
  ["Shopify", shopify({ secret: "s" }), signShopify, {}],
  ["Stripe", stripe({ secret: "s" }), signStripe, { id: "evt_1", object: "event", type: "a.b", account: "acct_1" }],
  ["Stripe without an account", stripe({ secret: "s" }), signStripe, { id: "evt_1", object: "event", type: "a.b" }],
  ["Standard Webhooks", standardWebhooks({ secret: STANDARD_SECRET }), signStandard, { type: "a.b" }],
  [
    "Amazon SNS",
    sns({ topicArns: [] }),
    () => ({ "x-amz-sns-message-type": "Notification" }),
    { TopicArn: "arn:aws:sns:eu-central-1:1:t", MessageId: "m-1" },
  ],
  ["Slack", slack({ signingSecret: "s" }), signSlack, slackBody],
];

describe("a recorded webhook in `latchkey run`", () => {
  it.each(senders)("has the identity that latchkey/http gives the request of %s", (_, source, sign, body) => {
    const text = JSON.stringify(body);
    const headers = sign(text, STANDARD_SECRET, 0);
    const reading = readEvent(Buffer.from(JSON.stringify({ headers, body: text })));
    expect("event" in reading && reading.event.eventId).toBe(cloudEventId(source.identify(rawRequest(text, headers))));
  });
});
