import fc from "fast-check";

type Members = Readonly<Record<string, unknown>>;

/** Edge cases of JSON values. */
const odd = fc.constantFrom<unknown>(
  0,
  -1,
  0.5,
  1e308,
  -1e308,
  8.64e15 + 1,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  "",
  " ",
  "\u0000",
  "\n",
  "\r\n",
  "\uFFFD",
  "\uD800",
  "__proto__",
  "1",
  "%",
  "x".repeat(5_000),
  null,
  true,
  [],
  {},
);

/** Generates the object with up to two members missing, replaced, renamed or added. */
export function nearly(right: Members): fc.Arbitrary<Members> {
  const name = fc.constantFrom(...Object.keys(right));
  const change = fc.oneof(
    { arbitrary: fc.tuple(fc.constant("replace" as const), name, fc.oneof(odd, fc.jsonValue())), weight: 6 },
    { arbitrary: fc.tuple(fc.constant("drop" as const), name, fc.constant(undefined)), weight: 2 },
    {
      arbitrary: fc.tuple(fc.constant("rename" as const), name, fc.constantFrom<unknown>("x", "__proto__", "")),
      weight: 1,
    },
    { arbitrary: fc.tuple(fc.constant("add" as const), fc.string(), fc.jsonValue()), weight: 1 },
  );
  return fc.array(change, { maxLength: 2 }).map((changes) => {
    const members = new Map(Object.entries(right));
    for (const [how, member, value] of changes) {
      if (how === "rename") members.set(`${String(value)}${member}`, members.get(member));
      if (how === "replace" || how === "add") members.set(member, value);
      else members.delete(member);
    }
    return Object.fromEntries(members);
  });
}

/** Generates the text with up to three bytes missing, doubled or inserted, or truncated. */
export function nearlyBytes(right: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.constantFrom("drop", "double", "replace", "cut"), fc.nat(255));
  return fc.tuple(right, fc.array(change, { maxLength: 3 })).map(([text, changes]) => {
    let bytes = Buffer.from(text);
    for (const [place, how, byte] of changes) {
      const at = bytes.length === 0 ? 0 : place % bytes.length;
      const [before, here, after] = [bytes.subarray(0, at), bytes.subarray(at, at + 1), bytes.subarray(at + 1)];
      if (how === "cut") bytes = Buffer.from(before);
      else if (how === "drop") bytes = Buffer.concat([before, after]);
      else bytes = Buffer.concat([before, how === "double" ? here : Buffer.from([byte]), here, after]);
    }
    return bytes;
  });
}

/** Generates any bytes. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
);

/** JSON that is nested too deeply for recursive code. */
export const deepJson = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
