import { createHmac } from "node:crypto";
import { sign as octokitSign } from "@octokit/webhooks-methods";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Source } from "../../../src/http/source.ts";
import { bitbucket } from "../../../src/http/sources/bitbucket.ts";
import { github } from "../../../src/http/sources/github.ts";
import { gitlab } from "../../../src/http/sources/gitlab.ts";
import { shopify } from "../../../src/http/sources/shopify.ts";
import { slack } from "../../../src/http/sources/slack.ts";
import { standardWebhooks } from "../../../src/http/sources/standard-webhooks.ts";
import { stripe } from "../../../src/http/sources/stripe.ts";
import { rawRequest } from "../raw-request.ts";
import {
  SECRET,
  type Sign,
  STANDARD_SECRET,
  signBitbucket,
  signGitHub,
  signGitLab,
  signShopify,
  signSlack,
  signStandard,
  signStripe,
} from "../signers.ts";

const NOW_MS = 1_795_000_000_000;
const OTHER_STANDARD_SECRET = `whsec_${Buffer.from("another secret").toString("base64")}`;

interface Sender {
  readonly name: string;
  readonly source: (secret: string | readonly string[]) => Source;
  readonly sign: Sign;
  readonly secret: string;
  readonly otherSecret: string;
  readonly isTimed: boolean;
}

const plain = { secret: SECRET, otherSecret: "another secret", isTimed: false };
const senders: readonly Sender[] = [
  { name: "github", source: (secret) => github({ secret }), sign: signGitHub, ...plain },
  { name: "bitbucket", source: (secret) => bitbucket({ secret }), sign: signBitbucket, ...plain },
  { name: "shopify", source: (secret) => shopify({ secret }), sign: signShopify, ...plain },
  { name: "slack", source: (signingSecret) => slack({ signingSecret }), sign: signSlack, ...plain, isTimed: true },
  { name: "stripe", source: (secret) => stripe({ secret }), sign: signStripe, ...plain, isTimed: true },
  {
    name: "standardWebhooks",
    source: (secret) => standardWebhooks({ secret }),
    sign: signStandard,
    secret: STANDARD_SECRET,
    otherSecret: OTHER_STANDARD_SECRET,
    isTimed: true,
  },
  {
    name: "gitlab with a signing token",
    source: (signingToken) => gitlab({ signingToken }),
    sign: signGitLab,
    secret: STANDARD_SECRET,
    otherSecret: OTHER_STANDARD_SECRET,
    isTimed: true,
  },
];

const isVerified = async (source: Source, body: string, headers: Readonly<Record<string, string>>, nowMs = NOW_MS) =>
  (await source.verify?.(rawRequest(body, headers, nowMs)))?.verified;

describe.each(senders)("$name", ({ source, sign, secret, otherSecret }) => {
  it("accepts a signed request, whatever the body", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (body) => {
        expect(await isVerified(source(secret), body, sign(body, secret, NOW_MS))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("rejects a changed body", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (body, other) => {
        fc.pre(body !== other);
        expect(await isVerified(source(secret), other, sign(body, secret, NOW_MS))).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it("rejects a signature by another secret, and a request without its signature headers", async () => {
    expect(await isVerified(source(secret), "{}", sign("{}", otherSecret, NOW_MS))).toBe(false);
    const headers = sign("{}", secret, NOW_MS);
    for (const missing of Object.keys(headers).filter((name) => /sign|hmac|webhook-(id|timestamp)/.test(name))) {
      const others = Object.entries(headers).filter(([name]) => name !== missing);
      expect([missing, await isVerified(source(secret), "{}", Object.fromEntries(others))]).toEqual([missing, false]);
    }
    expect(await isVerified(source(secret), "{}", {})).toBe(false);
  });

  it("rejects each signature header that is cut or altered", async () => {
    const headers = sign("{}", secret, NOW_MS);
    for (const name of Object.keys(headers).filter((header) => /sign|hmac|webhook-/.test(header))) {
      if (name === "x-gitlab-webhook-uuid") continue;
      const value = headers[name] ?? "";
      for (const altered of [
        "",
        "v1,",
        "v0=xyz",
        "v0=abc",
        "sha256=",
        value.slice(0, -8),
        `${value.slice(0, -6)}AAAAAA`,
        "ü€",
      ]) {
        const changed = { ...headers, [name]: encodeURI(altered) };
        // Stripe's last item is a scheme that is ignored.
        const expected = name === "stripe-signature" && altered !== "" && altered.startsWith("t=");
        expect([name, altered, await isVerified(source(secret), "{}", changed)]).toEqual([name, altered, expected]);
      }
    }
  });

  it("accepts the old and the new secret during a rotation", async () => {
    for (const signer of [secret, otherSecret]) {
      expect(await isVerified(source([secret, otherSecret]), "{}", sign("{}", signer, NOW_MS))).toBe(true);
    }
  });

  it.each(["", []])("refuses %j as its secret", (wrong) => {
    expect(() => source(wrong)).toThrow(TypeError);
  });
});

describe.each(senders.filter(({ isTimed }) => isTimed))("$name", ({ source, sign, secret }) => {
  it("rejects a signature that is more than five minutes old or from the future", async () => {
    const headers = sign("{}", secret, NOW_MS);
    for (const [awayMs, expected] of [
      [300_000, true],
      [-300_000, true],
      [301_000, false],
      [-301_000, false],
    ] as const) {
      expect(await isVerified(source(secret), "{}", headers, NOW_MS + awayMs)).toBe(expected);
    }
  });
});

describe("a header full of signatures", () => {
  const right = `v1,${createHmac("sha256", Buffer.from(STANDARD_SECRET.slice(6), "base64"))
    .update(`m.1795000000.{}`)
    .digest("base64")}`;
  const wrong = `v1,${Buffer.alloc(32).toString("base64")}`;
  const short = `v1,${Buffer.alloc(20).toString("base64")}`;
  const verifyAll = (signatures: readonly string[]) =>
    isVerified(standardWebhooks({ secret: [OTHER_STANDARD_SECRET, STANDARD_SECRET] }), "{}", {
      "webhook-id": "m",
      "webhook-timestamp": "1795000000",
      "webhook-signature": signatures.join(" "),
    });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("costs one HMAC per secret", async () => {
    const sign = vi.spyOn(crypto.subtle, "sign");
    const verify = vi.spyOn(crypto.subtle, "verify");
    expect(await verifyAll(Array.from({ length: 300 }, () => wrong))).toBe(false);
    expect([sign.mock.calls.length, verify.mock.calls.length]).toEqual([2, 0]);
  });

  it("costs nothing if no signature has the length of an HMAC", async () => {
    const sign = vi.spyOn(crypto.subtle, "sign");
    expect(await verifyAll(Array.from({ length: 300 }, () => short))).toBe(false);
    expect(sign).not.toHaveBeenCalled();
  });

  it("is accepted only if one of the first ten is right", async () => {
    const ones = Array.from({ length: 9 }, () => wrong);
    expect(await verifyAll([...ones, short, right])).toBe(true);
    expect(await verifyAll([...ones, wrong, right])).toBe(false);
  });
});

describe("gitlab with a secret token", () => {
  const source = gitlab({ secretToken: ["one", "two"] });

  it.each([
    ["one", true],
    ["two", true],
    ["three", false],
    ["", false],
    ["on", false],
    [undefined, false],
  ])("judges the token %j (valid: %s)", async (token, expected) => {
    const headers = token === undefined ? {} : { "x-gitlab-token": token };
    expect(await isVerified(source, "{}", headers)).toBe(expected);
  });

  it("says that ids are not signed", () => {
    expect(source.signsId).toBe(false);
    expect(gitlab({ signingToken: STANDARD_SECRET }).signsId).toBe(true);
  });
});

describe("gitlab with a signing token", () => {
  it("rejects an idempotency key that differs from the signed id", async () => {
    const headers = { ...signGitLab("{}", STANDARD_SECRET, NOW_MS), "idempotency-key": "another" };
    expect(await isVerified(gitlab({ signingToken: STANDARD_SECRET }), "{}", headers)).toBe(false);
  });
});

describe("standardWebhooks", () => {
  it.each(["whsec_", "whsec_not base64", "whsec_AAA"])("refuses the secret %j, and does not repeat it", (secret) => {
    expect(() => standardWebhooks({ secret })).toThrow("Expected `secret` to be `whsec_` and base64");
  });
});

describe("signatures of the providers' own libraries and documents", () => {
  it("are accepted from @octokit/webhooks-methods", async () => {
    const body = JSON.stringify({ action: "opened" });
    const headers = { "x-hub-signature-256": await octokitSign(SECRET, body) };
    expect(await isVerified(github({ secret: SECRET }), body, headers)).toBe(true);
  });

  it("are accepted from GitHub's documentation", async () => {
    const headers = {
      "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    };
    expect(await isVerified(github({ secret: "It's a Secret to Everybody" }), "Hello, World!", headers)).toBe(true);
  });

  it("are accepted from standardwebhooks", async () => {
    const body = JSON.stringify({ type: "invoice.paid" });
    const signature = new Webhook(STANDARD_SECRET).sign("msg_1", new Date(NOW_MS), body);
    const headers = { "webhook-id": "msg_1", "webhook-timestamp": "1795000000", "webhook-signature": signature };
    expect(await isVerified(standardWebhooks({ secret: STANDARD_SECRET }), body, headers)).toBe(true);
  });

  it("are accepted from the vector of the Standard Webhooks libraries", async () => {
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const source = standardWebhooks({ secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
    expect(await isVerified(source, '{"test": 2432232314}', headers, 1_614_265_330_000)).toBe(true);
  });

  it("are accepted from stripe", async () => {
    const payload = JSON.stringify({ id: "evt_1", type: "charge.succeeded" });
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp: 1_795_000_000 });
    expect(await isVerified(stripe({ secret: SECRET }), payload, { "stripe-signature": signature })).toBe(true);
  });

  it("are accepted from Slack's documentation", async () => {
    const body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const headers = {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    };
    const source = slack({ signingSecret: "8f742231b10e8888abcd99yyyzzz85a5" });
    expect(await isVerified(source, body, headers, 1_531_420_618_000)).toBe(true);
  });
});
