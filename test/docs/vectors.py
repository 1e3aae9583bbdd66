"""Checks docs/formats/vectors.json with nothing but the page docs/formats.md and Python's standard library."""

import base64
import hashlib
import json
import sys
import urllib.parse


def part(text):
    if not isinstance(text, str) or text == "":
        raise ValueError("an id is a non-empty string")
    encoded = text.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate
    return str(len(encoded)).encode() + b":" + encoded


def digest(*parts):
    return hashlib.sha256(b"".join(part(text) for text in parts)).digest()


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(text):
    return base64url(hashlib.sha256(text.encode()).digest())[:16]


def keys(workspace, subscription, event):
    own = digest(subscription, event)
    scoped = own if workspace == "default" else digest(subscription, event, workspace)
    return {
        "dedupKey": "trigger.dedup.v1:" + own.hex(),
        "idempotencyKey": "trigger.dedup.v1:" + scoped.hex(),
        "storeKey": ".".join([token(workspace), token(subscription), base64url(own)]),
        "shardOf4": int.from_bytes(own[:3], "big") % 4,
    }


def event_id(vector):
    compact = lambda parts: json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    if "source" in vector:
        return compact([vector["source"], vector["id"]])
    return compact([vector["id"]]) if vector["id"].startswith("[") else vector["id"]


def header_value(text):
    kept = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
    return urllib.parse.quote(text, safe=kept)


def is_count(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_record(encoded):
    try:
        record = json.loads(encoded)
    except ValueError:
        return False
    texts = ["workspaceId", "subscriptionId", "eventId", "owner", "token"]
    return (
        isinstance(record, dict)
        and record.get("v") == 1
        and record.get("state") in ("reserved", "committed")
        and all(isinstance(record.get(name), str) and record[name] for name in texts)
        and is_count(record.get("attempt"), 1)
        and is_count(record.get("fence"), 0)
        and is_count(record.get("leaseMs"), 1)
        and isinstance(record.get("atMs"), (int, float))
        and record.get("failed", True) is True
        and isinstance(record.get("fingerprint", ""), str)
    )


def write_headers(write):
    lines = [
        "NATS/1.0",
        f"Nats-Expected-Stream: KV_{write['bucket']}",
        f"Nats-Expected-Last-Subject-Sequence: {write['expected']}",
        f"Nats-TTL: {write['ttlSeconds']}s",
        *(["KV-Operation: DEL"] if write["operation"] == "remove" else []),
    ]
    return "".join(line + "\r\n" for line in [*lines, ""])


def letter_headers(vector):
    ids = [vector["workspaceId"], vector["subscriptionId"], vector["eventId"]]
    names = ["Workspace", "Subscription", "Event"]
    identity = {f"Latchkey-Identity-{name}": header_value(id) for name, id in zip(names, ids)}
    return {"Latchkey-Key": keys(*ids)["dedupKey"], **identity}


def refused(text):
    try:
        part(text)
    except ValueError:
        return True
    return False


with open(sys.argv[1], encoding="utf-8") as file:
    vectors = json.load(file)
checked = 0


def check(what, found, expected):
    global checked
    checked += 1
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


for vector in vectors["eventIds"]:
    check("event id", event_id(vector), vector["eventId"])
for vector in vectors["keys"]:
    found = keys(vector["workspaceId"], vector["subscriptionId"], vector["eventId"])
    check("keys", found, {name: vector[name] for name in found})
for units in vectors["invalidIds"]:
    check("invalid id", refused("".join(map(chr, units))), True)
for vector in vectors["records"]:
    check(vector["name"], is_record(vector["encoded"]), True)
    check(vector["name"], json.loads(vector["encoded"]), vector["record"])
    check(vector["name"], vector["record"]["fence"] or vector["revision"], vector["fence"])
for vector in vectors["invalidRecords"]:
    check(vector["name"], is_record(vector["encoded"]), False)
for vector in vectors["writes"]:
    check(vector["name"], vector["subject"], f"$KV.{vector['bucket']}.{vector['key']}")
    check(vector["name"], write_headers(vector), vector["headers"])
for vector in vectors["tombstones"]:
    check(vector["name"], "KV-Operation" in vector["headers"], vector["isTombstone"])
for vector in vectors["headerValues"]:
    check("header value", header_value(vector["text"]), vector["encoded"])
for vector in vectors["letters"]:
    check("dead letter", letter_headers(vector), vector["headers"])
print(f"{checked} checks passed")
