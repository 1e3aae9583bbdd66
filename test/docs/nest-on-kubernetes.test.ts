import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { textOf } from "./documents.ts";

const FOLDER = "examples/nest-microservice";
const page = textOf("docs/nest-on-kubernetes.md");
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".ts"));
const sources = [...files.map((name) => `${FOLDER}/${name}`), "src/env.ts"].map((path) => readFileSync(path, "utf8"));
const source = sources.join("\n");

/** Returns the block that follows a comment of the page. */
function block(comment: string): string {
  const found = new RegExp(`^<!-- ${comment} -->\\n\`\`\`\\w+\\n(?<text>[\\s\\S]*?)^\`\`\`$`, "m").exec(page);
  return found?.groups?.["text"] ?? expect.fail(`no block ${comment}`);
}

/** Returns the first group of every match. */
function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, group = ""]) => group);
}

describe("the page about Nest on Kubernetes", () => {
  it("lists every file that a reader copies", () => {
    const table = page.split("## 2.")[1]?.split("<!--")[0] ?? "";
    expect(all(table, /`([\w-]+\.ts)`/g).toSorted()).toEqual(files.toSorted());
  });

  it("installs every package that the files import and that Nest's own project does not have", () => {
    const imported = all(source, /from "((?:@[\w-]+\/)?[\w-]+)/g);
    const ofNest = ["@nestjs/common", "@nestjs/core", "rxjs", "reflect-metadata"];
    const installed = all(page, /^npm install (.+)$/gm).join(" ");
    const missing = imported.filter((name) => !ofNest.includes(name) && !installed.includes(name));
    expect(imported).toContain("@nats-io/transport-node");
    expect(missing).toEqual([]);
  });

  it("sets only environment variables that the files read", () => {
    const set = all(block("manifest"), /\{ name: ([A-Z_]+),/g);
    expect(set.length).toBeGreaterThan(6);
    expect(set.filter((name) => !source.includes(name) && !name.startsWith("OTEL_"))).toEqual([]);
  });

  it("gives a pod more time to end than it takes", () => {
    const graceSeconds = Number(all(block("manifest"), /terminationGracePeriodSeconds: (\d+)/g)[0]);
    const drains = all(source, /drainMs: ([\d_]+)/g).map((text) => Number(text.replaceAll("_", "")));
    expect(drains).toHaveLength(2);
    expect(graceSeconds).toBeGreaterThan(drains.reduce((sum, ms) => sum + ms, 0) / 1000);
  });

  it("grants only permissions that the page about operations explains, and all that a replica needs", () => {
    const granted = all(block("nats.conf"), /"([^"_][^"]*)"/g);
    const explained = all(textOf("docs/operations.md"), /`([^`\s]*\.[^`\s]*)`/g).map((subject) =>
      subject
        .replace("$KV.<bucket>", "$KV.dedup")
        .replace("<bucket>", "dedup")
        .replace("EVENTS.billing", "EVENTS.trigger")
        .replace("dead.billing", "dead.trigger"),
    );
    expect(granted.filter((subject) => !explained.includes(subject) && subject !== "$JS.API.STREAM.INFO.DEAD")).toEqual(
      [],
    );
    const needed = explained.filter((subject) =>
      /^\$(?:KV|JS\.ACK)|(?:EVENTS\.trigger|GET\.KV_dedup|STREAM\.INFO\.KV_dedup)$/.test(subject),
    );
    expect([...new Set(needed)].filter((subject) => !granted.includes(subject))).toEqual([]);
  });
});
