import { spawnSync } from "node:child_process";
import { headers } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import vectors from "../../docs/formats/vectors.json" with { type: "json" };
import { cloudEventId, encodeHeaderAttribute, opaqueEventId } from "../../src/model/cloud-event.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { decodeRecord, encodeRecord, fenceOf } from "../../src/model/record.ts";
import { identityHeaders, identityIn, letterHeaders } from "../../src/nats/dead-letters/letter-headers.ts";
import { shardOf } from "../../src/nats/kv/sharded-store.ts";
import { isTombstone } from "../../src/nats/kv/stored-message.ts";
import { writeHeaders } from "../../src/nats/wire/compare-and-set.ts";
import { bucketStream, subjectOf } from "../../src/nats/wire/subject.ts";
import { textOf } from "./documents.ts";

function fieldsOf(values: Readonly<Record<string, string | undefined>>): ReturnType<typeof headers> {
  const fields = headers();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) fields.set(name, value);
  return fields;
}

/** The code and a test vector must never differ: the vectors are the contract with other languages. */
describe("a test vector of the formats", () => {
  it.each(vectors.eventIds)("gives the event id $eventId", ({ id, source, eventId }) => {
    expect(source === undefined ? opaqueEventId(id) : cloudEventId({ source, id })).toBe(eventId);
  });

  it.each(vectors.keys)("gives the keys of $workspaceId, $subscriptionId, $eventId", (vector) => {
    const { key, idempotencyKey, storeKey } = resolveIdentity(vector);
    expect({ dedupKey: key, idempotencyKey, storeKey, shardOf4: shardOf(storeKey, 4) }).toEqual({
      dedupKey: vector.dedupKey,
      idempotencyKey: vector.idempotencyKey,
      storeKey: vector.storeKey,
      shardOf4: vector.shardOf4,
    });
  });

  it.each(vectors.invalidIds.map((units) => [units]))("refuses the id with the code units %j", (units) => {
    const eventId = String.fromCharCode(...units);
    expect(() => resolveIdentity({ subscriptionId: "sub-1", eventId })).toThrow(TypeError);
  });

  it.each(vectors.records)("encodes and decodes the record of $name", ({ encoded, record, revision, fence }) => {
    const decoded = decodeRecord(encoded, "a key");
    expect(decoded).toEqual(record);
    expect(encodeRecord(decoded)).toBe(encoded);
    expect(fenceOf(decoded, revision)).toBe(fence);
    expect(decodeRecord(`${encoded}   `, "a key")).toEqual(record);
  });

  it.each(vectors.invalidRecords)("refuses a record: $name", ({ encoded }) => {
    expect(() => decodeRecord(encoded, "a key")).toThrow();
  });

  it.each(vectors.writes)("writes the headers to $name", ({ bucket, key, operation, ...write }) => {
    expect(subjectOf(bucket, key)).toBe(write.subject);
    if (operation !== "put" && operation !== "remove") throw new Error(`Unknown operation ${operation}`);
    const encoded = writeHeaders(bucketStream(bucket), { ...write, key, operation, timeoutMs: 1_000 }, 0).encode();
    expect(Buffer.from(encoded).toString()).toBe(write.headers);
  });

  it.each(vectors.tombstones)("tells tombstones from records: $name", ({ headers: values, isTombstone: expected }) => {
    expect(isTombstone(fieldsOf(values))).toBe(expected);
  });

  it.each(vectors.headerValues)("encodes the header value of $text", ({ text, encoded }) => {
    expect(encodeHeaderAttribute(text)).toBe(encoded);
  });

  it.each(vectors.letters)("carries the identity of a dead letter: $eventId", ({ headers: expected, ...identity }) => {
    expect(identityHeaders(resolveIdentity(identity))).toEqual(expected);
    expect(identityIn(fieldsOf(expected))).toMatchObject(identity);
  });

  const python = spawnSync("python3", ["--version"]).status === 0;
  it.skipIf(!python)("is reproduced by an implementation in Python", () => {
    const check = spawnSync("python3", ["test/docs/vectors.py", "docs/formats/vectors.json"], { encoding: "utf8" });
    expect(check.stderr).toBe("");
    expect(check.stdout).toMatch(/^\d{2,} checks passed$/m);
  });

  it.skipIf(!python)("fails the implementation in Python if it is wrong", () => {
    const script = "import sys; exec(open('test/docs/vectors.py').read().replace('[:16]', '[:15]'))";
    const check = spawnSync("python3", ["-c", script, "docs/formats/vectors.json"], { encoding: "utf8" });
    expect(check.status).toBe(1);
    expect(check.stderr).toContain("keys: expected");
  });
});

describe("docs/formats.md", () => {
  const page = textOf("docs/formats.md");

  it("describes every member of the test vectors", () => {
    const members = Object.keys(vectors).filter((name) => name !== "version");
    expect(members.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it("names every header of a dead letter", () => {
    // A row may shorten the common beginning of several names: `Latchkey-Original-Subject`, `-Stream`.
    const named = (name: string): boolean =>
      page.includes(`\`${name}\``) || page.includes(`\`${name.replace(/^Latchkey-(?:Original|Identity)/, "")}\``);
    expect(Object.values(letterHeaders).filter((name) => !named(name))).toEqual([]);
  });

  it("names every field of a record", () => {
    const fields = new Set(vectors.records.flatMap(({ record }) => Object.keys(record)));
    expect([...fields].filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
  });
});
