import { createSign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sns } from "../../../src/http/sources/sns.ts";
import { rawRequest } from "../raw-request.ts";

/** A self-signed certificate and its key, made for this test only. */
const fixture = (name: string) => readFile(new URL(`../fixtures/sns-test-only.${name}.pem`, import.meta.url), "utf8");
const [certificate, privateKey] = await Promise.all([fixture("cert"), fixture("key")]);

const NOW_MS = Date.parse("2026-11-01T12:00:00.000Z");
const TOPIC = "arn:aws:sns:eu-central-1:123456789012:orders";
const CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem";

type Message = Readonly<Record<string, string>>;

const notification: Message = {
  Type: "Notification",
  MessageId: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  TopicArn: TOPIC,
  Message: "Hello",
  Timestamp: "2026-11-01T12:00:00.000Z",
  SignatureVersion: "2",
  SigningCertURL: CERTIFICATE_URL,
};

/** Signs a message as Amazon's documentation describes it. */
function signed(message: Message): string {
  const names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
  const text = names.flatMap((name) => (message[name] === undefined ? [] : [`${name}\n${message[name]}\n`])).join("");
  const digest = message["SignatureVersion"] === "1" ? "RSA-SHA1" : "RSA-SHA256";
  return JSON.stringify({ ...message, Signature: createSign(digest).update(text).sign(privateKey, "base64") });
}

async function verify(body: string, nowMs = NOW_MS) {
  const fetched: string[] = [];
  const fetchCertificate = async ({ href }: URL) => {
    fetched.push(href);
    return certificate;
  };
  const verification = await sns({ topicArns: [TOPIC], fetchCertificate }).verify?.(rawRequest(body, {}, nowMs));
  return { verified: verification?.verified, fetched };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a message of Amazon SNS", () => {
  it.each(["1", "2"])("is accepted with a signature of version %s, and refused if it was changed", async (version) => {
    const body = signed({ ...notification, Subject: "Greeting", SignatureVersion: version });
    expect((await verify(body)).verified).toBe(true);
    expect((await verify(body.replace("Hello", "Goodbye"))).verified).toBe(false);
  });

  it.each([
    ["sns.eu-central-1.amazonaws.com", true],
    ["sns.us-gov-west-1.amazonaws.com", true],
    ["sns.cn-north-1.amazonaws.com.cn", true],
    ["sns.s3.amazonaws.com", false],
    ["sns.s3-us-west-2.amazonaws.com", false],
    ["sns.s3-website-us-west-2.amazonaws.com", false],
    ["sns.eu-central-1.amazonaws.com.example.com", false],
    ["sns.eu-central-1.amazonaws.com:8443", false],
    ["evil.sns.eu-central-1.amazonaws.com", false],
    ["sns.amazonaws.com", false],
  ])("is judged by the host of its certificate: %s (accepted: %s)", async (host, expected) => {
    const url = `https://${host}/SimpleNotificationService-0123abcd.pem`;
    const { verified, fetched } = await verify(signed({ ...notification, SigningCertURL: url }));
    expect([verified, fetched]).toEqual([expected, expected ? [url] : []]);
  });

  it.each([
    "https://sns.eu-central-1.amazonaws.com/other.pem",
    "https://sns.eu-central-1.amazonaws.com/a/SimpleNotificationService-0.pem",
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem/x",
    "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
  ])("is refused if its certificate is at %s", async (url) => {
    expect(await verify(signed({ ...notification, SigningCertURL: url }))).toEqual({ verified: false, fetched: [] });
  });

  it.each([
    [65 * 60_000, true],
    [65 * 60_000 + 1, false],
    [-5 * 60_000, true],
    [-5 * 60_000 - 1, false],
  ])("is judged by its age of %d ms (accepted: %s)", async (ageMs, expected) => {
    expect((await verify(signed(notification), NOW_MS + ageMs)).verified).toBe(expected);
  });

  it.each(["", "yesterday"])("is refused if its timestamp is %j", async (timestamp) => {
    expect((await verify(signed({ ...notification, Timestamp: timestamp }))).verified).toBe(false);
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ["a signature version that Amazon does not document", { SignatureVersion: "3" }],
    ["no certificate", { SigningCertURL: undefined }],
    ["a certificate whose address is not a URL", { SigningCertURL: "nowhere" }],
    ["a timestamp that is a number", { Timestamp: NOW_MS }],
  ])("is refused if it has %s", async (_, changed) => {
    const body = JSON.stringify({ ...notification, Signature: "AAAA", ...changed });
    expect(await verify(body)).toEqual({ verified: false, fetched: [] });
  });

  it("is verified at its next delivery if the certificate could not be fetched", async () => {
    let answer = new Response("", { status: 503 });
    vi.stubGlobal("fetch", async () => answer);
    const source = sns({ topicArns: [TOPIC] });
    const request = rawRequest(signed(notification), {}, NOW_MS);
    await expect(source.verify?.(request)).rejects.toThrow("could not be fetched: status 503");
    answer = new Response(certificate);
    expect(await source.verify?.(request)).toEqual({ verified: true });
  });

  it("is refused if its topic is another", async () => {
    expect((await verify(signed({ ...notification, TopicArn: `${TOPIC}-2` }))).verified).toBe(false);
  });

  it("never follows a redirect to the certificate or the subscription", async () => {
    const fetched: unknown[] = [];
    vi.stubGlobal("fetch", async (url: URL, options: RequestInit) => {
      fetched.push([url.pathname, options.redirect]);
      return new Response(certificate);
    });
    const source = sns({ topicArns: [TOPIC] });
    const confirmation = {
      ...notification,
      Type: "SubscriptionConfirmation",
      Token: "t",
      SubscribeURL: "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
    };
    const request = rawRequest(signed(confirmation), {}, NOW_MS);
    expect(await source.verify?.(request)).toEqual({ verified: true });
    expect((await source.handshake?.(request))?.status).toBe(204);
    expect(fetched).toEqual([
      ["/SimpleNotificationService-0123abcd.pem", "error"],
      ["/", "error"],
    ]);
  });
});

describe("a handshake of Amazon SNS", () => {
  const SUBSCRIBE_URL = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription";
  const handshake = async (message: Readonly<Record<string, unknown>>) => {
    const visited: string[] = [];
    const confirm = async ({ href }: URL) => void visited.push(href);
    const source = sns({ topicArns: [TOPIC], confirm });
    const response = await source.handshake?.(rawRequest(JSON.stringify(message), {}, NOW_MS));
    return { status: response?.status, visited };
  };

  it.each<[string, Readonly<Record<string, unknown>>, number | undefined, readonly string[]]>([
    [
      "confirms a subscription",
      { Type: "SubscriptionConfirmation", SubscribeURL: SUBSCRIBE_URL },
      204,
      [SUBSCRIBE_URL],
    ],
    ["never visits another host", { Type: "SubscriptionConfirmation", SubscribeURL: "https://example.com/" }, 204, []],
    [
      "does not subscribe again after an unsubscription",
      { Type: "UnsubscribeConfirmation", SubscribeURL: SUBSCRIBE_URL },
      204,
      [],
    ],
    ["leaves a notification to the dispatch", { Type: "Notification" }, undefined, []],
  ])("%s", async (_, message, status, visited) => {
    expect(await handshake(message)).toEqual({ status, visited });
  });

  it("fails if Amazon does not confirm, so that Amazon repeats it", async () => {
    vi.stubGlobal("fetch", async () => new Response("", { status: 403 }));
    const message = JSON.stringify({ Type: "SubscriptionConfirmation", SubscribeURL: SUBSCRIBE_URL });
    await expect(sns({ topicArns: [TOPIC] }).handshake?.(rawRequest(message, {}, NOW_MS))).rejects.toThrow(
      "could not be confirmed: status 403",
    );
  });
});
