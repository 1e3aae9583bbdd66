import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexToBase64url, toBase64url, toHex } from "../../src/internal/bytes-text.ts";
import { sha256, sha256InJavaScript } from "../../src/internal/sha256.ts";

const both = [sha256, sha256InJavaScript];

describe("SHA-256", () => {
  // FIPS 180-4, examples of the Secure Hash Standard.
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("gives the published digests of the standard's examples", (text, hex) => {
    expect(both.map((hashOf) => hashOf(text, "hex"))).toEqual([hex, hex]);
  });

  it("equals Node's for bytes of every length up to three blocks", () => {
    for (let length = 0; length <= 200; length += 1) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + length);
      expect(sha256InJavaScript(bytes, "hex")).toBe(hash("sha256", bytes, "hex"));
    }
  });

  it("equals Node's for any text and bytes, in both encodings", () => {
    const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.uint8Array({ maxLength: 300 }));
    const property = fc.property(anything, fc.constantFrom("hex", "base64url"), (data, encoding) => {
      for (const hashOf of both) expect(hashOf(data, encoding)).toBe(hash("sha256", data, encoding));
    });
    fc.assert(property);
  });
});

describe("bytes as text", () => {
  it("equal those of Node's Buffer", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      expect(toHex(bytes)).toBe(buffer.toString("hex"));
      expect(toBase64url(bytes)).toBe(buffer.toString("base64url"));
      expect(hexToBase64url(toHex(bytes))).toBe(buffer.toString("base64url"));
    });
    fc.assert(property);
  });
});
