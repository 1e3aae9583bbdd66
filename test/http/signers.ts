import { createHmac } from "node:crypto";

export const SECRET = "s3cret-of-the-tests";
export const STANDARD_SECRET = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;

/** A sender of webhooks as its documentation describes it: the headers of a signed delivery. */
export type Sign = (body: string, secret: string, atMs: number) => Readonly<Record<string, string>>;

const hmac = (secret: string | Buffer, text: string) => createHmac("sha256", secret).update(text);
const seconds = (ms: number) => String(Math.floor(ms / 1_000));

export const signGitHub: Sign = (body, secret) => ({
  "x-github-event": "push",
  "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  "x-github-hook-id": "292430182",
  "x-github-hook-installation-target-id": "79929171",
  "x-github-hook-installation-target-type": "repository",
  "x-hub-signature-256": `sha256=${hmac(secret, body).digest("hex")}`,
});

export const signBitbucket: Sign = (body, secret) => ({
  "x-event-key": "repo:push",
  "x-hook-uuid": "{9f4c1ab1-29a7-4c0b-9d0b-1f0a3b9ad2f1}",
  "x-request-uuid": "5c1bd0ac-4a9c-4a2f-9e4b-4f76b2a3b1aa",
  "x-hub-signature": `sha256=${hmac(secret, body).digest("hex")}`,
});

export const signShopify: Sign = (body, secret) => ({
  "x-shopify-topic": "orders/create",
  "x-shopify-shop-domain": "example.myshopify.com",
  "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
  "x-shopify-hmac-sha256": hmac(secret, body).digest("base64"),
});

export const signSlack: Sign = (body, secret, atMs) => ({
  "x-slack-request-timestamp": seconds(atMs),
  "x-slack-signature": `v0=${hmac(secret, `v0:${seconds(atMs)}:${body}`).digest("hex")}`,
});

export const signStripe: Sign = (body, secret, atMs) => ({
  "stripe-signature": `t=${seconds(atMs)},v1=${hmac(secret, `${seconds(atMs)}.${body}`).digest("hex")},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39`,
});

export const signStandard: Sign = (body, secret, atMs) => {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signature = hmac(key, `msg_2KWPBgLlAfxdpx2AI54pPJ85f4W.${seconds(atMs)}.${body}`).digest("base64");
  return {
    "webhook-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    "webhook-timestamp": seconds(atMs),
    "webhook-signature": `v1a,notforus v1,${signature}`,
  };
};

export const signGitLab: Sign = (body, secret, atMs) => ({
  ...signStandard(body, secret, atMs),
  "idempotency-key": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
  "x-gitlab-event": "Push Hook",
  "x-gitlab-webhook-uuid": "13792a34-cac6-4fda-95a8-c58e00a3954e",
});
