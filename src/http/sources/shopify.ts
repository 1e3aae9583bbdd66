import { senderScope } from "../../model/identify/sender-scope.ts";
import { headerText } from "../fields.ts";
import { fromBase64, HmacVerifier, type Secrets, secretList, verifiedIf } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link shopify}. */
export interface ShopifyOptions {
  /** Client secret of the app, or several during a rotation. */
  readonly secret: Secrets;
}

/**
 * Shopify webhooks. `X-Shopify-Event-Id` is the id that Shopify names for ignoring duplicates; shop and topic are its scope.
 * The signature covers the body, not the id.
 * Source: https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates
 */
export function shopify({ secret }: ShopifyOptions): Source {
  const hmac = new HmacVerifier(secretList(secret));
  return {
    name: "shopify",
    signsId: false,
    // 8 retries in 4 hours: https://shopify.dev/changelog/updates-to-webhook-retry-mechanism
    retriesForMs: 4 * 60 * 60 * 1_000,
    async verify({ headers, body }) {
      return verifiedIf(await hmac.accepts(body, [fromBase64(headers.get("x-shopify-hmac-sha256") ?? "")]));
    },
    identify(request) {
      const id = headerText(request, "x-shopify-event-id");
      const shop = headerText(request, "x-shopify-shop-domain");
      const topic = headerText(request, "x-shopify-topic");
      return {
        source: senderScope.shopify(shop, topic),
        id,
        type: `com.shopify.${topic.replaceAll("/", ".")}`,
      };
    },
  };
}
