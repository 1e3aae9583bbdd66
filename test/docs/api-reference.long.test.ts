import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { entrySources, readApi, undescribed } from "../../scripts/api-reference.ts";

const FIXTURE = "test/docs/fixtures/undescribed.ts";

describe("the docstrings of the public API", () => {
  let missing: readonly string[] = [];
  beforeAll(async () => {
    // Reading takes seconds, so the fixture is read together with the package.
    const { project } = await readApi(new Map([...entrySources(), ["fixture", join(process.cwd(), FIXTURE)]]));
    missing = undescribed(project);
  });

  it("describe every public name, and every member of a public class or interface", () => {
    expect(missing.filter((sentence) => !sentence.endsWith(FIXTURE))).toEqual([]);
  });

  it("are reported where they are missing or hold nothing but tags", () => {
    const names = missing.filter((sentence) => sentence.endsWith(FIXTURE)).map((sentence) => sentence.split(" ")[0]);
    expect(names.map((name = "") => name.replace(/^.*?fixtures\/undescribed\./, ""))).toEqual([
      "Described.onlyDefault",
      "Described.undescribedMember",
      "DescribedError.undescribedMethod",
      "undescribedConstant",
      "undescribedFunction",
    ]);
  });

  it("are read for every entry of the package", () => {
    expect([...entrySources().keys()]).toEqual(
      expect.arrayContaining(["latchkey", "latchkey/nats", "latchkey/inspect", "latchkey/testing"]),
    );
  });
});
