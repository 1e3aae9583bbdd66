import { createVerify, X509Certificate } from "node:crypto";
import { isObject, type ObjectLike } from "../../internal/is-object.ts";
import { LruMap } from "../../internal/lru-map.ts";
import { senderScope } from "../../model/identify/sender-scope.ts";
import { bodyMember, jsonObject, parseJson } from "../fields.ts";
import { DEFAULT_TOLERANCE_MS, rejected, verifiedIf } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link sns}. */
export interface SnsOptions {
  /** Topics whose messages are accepted, by ARN. A valid signature only proves that some topic of AWS sent the message. */
  readonly topicArns: readonly string[];
  /** Fetches the signing certificate, in PEM. @default the global `fetch` */
  readonly fetchCertificate?: (url: URL) => Promise<string>;
  /** Confirms a subscription to an accepted topic. @default visits the `SubscribeURL` */
  readonly confirm?: (url: URL) => Promise<void>;
}

/** The default policy retries three times at intervals of 20 s; a custom one lasts an hour at most. */
const RETRIES_FOR_MS = 60 * 60 * 1_000;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[\w-]+\.pem$/;
const NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] as const;
const CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"] as const;

/**
 * Amazon SNS over HTTPS. Verifies the signature with Amazon's certificate, accepts the named topics only and confirms their
 * subscriptions.
 * Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
export function sns({ topicArns, fetchCertificate = fetchText, confirm = visit }: SnsOptions): Source {
  const certificates = new LruMap<string, Promise<string>>(16);
  const certificateOf = (url: URL): Promise<string> => {
    const known = certificates.get(url.href) ?? fetchCertificate(url);
    certificates.set(url.href, known);
    known.catch(() => certificates.delete(url.href));
    return known;
  };
  return {
    name: "sns",
    signsId: true,
    retriesForMs: RETRIES_FOR_MS,
    // Source: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
    retriesOnlyServerErrors: true,
    async verify({ body, receivedAtMs }) {
      const message = parseJson(body);
      if (!isObject(message)) return rejected("The body is not a JSON object");
      if (!topicArns.some((arn) => arn === message["TopicArn"])) return rejected("The topic is not one of `topicArns`");
      const url = amazonUrl(message["SigningCertURL"]);
      if (url === undefined || !CERTIFICATE_PATH.test(url.pathname))
        return rejected("`SigningCertURL` is not a certificate of Amazon SNS");
      const digest = { "1": "RSA-SHA1", "2": "RSA-SHA256" }[String(message["SignatureVersion"])];
      if (digest === undefined) return rejected("The signature version is neither 1 nor 2");
      const isFresh = isBetween(
        message["Timestamp"],
        receivedAtMs - RETRIES_FOR_MS - DEFAULT_TOLERANCE_MS,
        receivedAtMs + DEFAULT_TOLERANCE_MS,
      );
      if (!isFresh) return rejected("`Timestamp` is malformed, too old, or in the future");
      const key = new X509Certificate(await certificateOf(url)).publicKey;
      const signature = Buffer.from(String(message["Signature"]), "base64");
      return verifiedIf(createVerify(digest).update(canonical(message)).verify(key, signature));
    },
    async handshake({ body }) {
      const message = parseJson(body);
      if (!isObject(message) || message["Type"] === "Notification") return undefined;
      const url = amazonUrl(message["SubscribeURL"]);
      if (message["Type"] === "SubscriptionConfirmation" && url !== undefined) await confirm(url);
      return new Response(null, { status: 204 });
    },
    identify(request) {
      const message = jsonObject(request);
      return {
        source: senderScope.sns(bodyMember(message, "TopicArn")),
        id: bodyMember(message, "MessageId"),
        type: "com.amazonaws.sns.notification",
      };
    },
  };
}

/** Returns the signed text: names and values of the signed members, one per line. */
function canonical(message: ObjectLike): string {
  const members = message["Type"] === "Notification" ? NOTIFICATION : CONFIRMATION;
  return members.flatMap((name) => (typeof message[name] === "string" ? [`${name}\n${message[name]}\n`] : [])).join("");
}

/** Returns a URL of an Amazon SNS host. The sender chooses the URL: `sns.s3.amazonaws.com`, for example, is a bucket of any customer. */
function amazonUrl(value: unknown): URL | undefined {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const isAmazon =
    url?.protocol === "https:" && /^sns\.[a-z]{2}(?:-[a-z]+)+-\d+\.amazonaws\.com(\.cn)?$/.test(url.host);
  return isAmazon ? url : undefined;
}

function isBetween(timestamp: unknown, fromMs: number, toMs: number): boolean {
  const ms = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
  return ms >= fromMs && ms <= toMs;
}

async function fetchText(url: URL): Promise<string> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`The signing certificate could not be fetched: status ${response.status}`);
  return response.text();
}

async function visit(url: URL): Promise<void> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`The subscription could not be confirmed: status ${response.status}`);
}
