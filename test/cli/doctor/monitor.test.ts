import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askMonitors } from "../../../src/cli/doctor/monitor.ts";

const SECRET = "s3cr3t";
let server: Server;
let host: string;
const received: (string | undefined)[] = [];

beforeAll(async () => {
  server = createServer(({ headers, url }, response) => {
    received.push(headers.authorization);
    expect(url).not.toContain(SECRET);
    const isAllowed = headers.authorization !== undefined;
    response.writeHead(isAllowed ? 200 : 401);
    response.end(JSON.stringify({ server_name: "n1\u001b[31m", jetstream: { config: { sync_interval: 120e9 } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

describe("a report of a monitoring port", () => {
  it.each([
    [`http://admin:${SECRET}@`, `admin:${SECRET}`],
    [`admin:${SECRET}@`, `admin:${SECRET}`],
    [`http://${SECRET}@`, `${SECRET}:`],
    [`http://admin:${SECRET}%40%2C%2F@`, `admin:${SECRET}@,/`],
    [`http://admin:${SECRET}%zz@`, `admin:${SECRET}%zz`],
  ])("sends the login of %s<host> as a header, and does not contain it", async (userInfo, login) => {
    const [found] = await askMonitors(userInfo + host);
    expect(found).toEqual({ name: "n1\\u{1b}[31m", syncIntervalMs: 120_000, isSyncedAlways: false });
    expect(received.at(-1)).toBe(`Basic ${Buffer.from(login).toString("base64")}`);
  });

  it.each([
    `http://admin:${SECRET}@127.0.0.1:1`,
    `http://${SECRET}@127.0.0.1:1`,
    `http://:${SECRET}@127.0.0.1:1`,
    `http://admin:${SECRET}@[`,
    `http://admin:12,${SECRET}@127.0.0.1:1`,
    `http://admin:${SECRET},12@127.0.0.1:1`,
    `http://admin:${SECRET}/x@127.0.0.1:1`,
    `http://127.0.0.1:1/?token=${SECRET}`,
    `ftp://admin:${SECRET}@127.0.0.1:1`,
  ])("does not contain the login of %s, which cannot be read", async (url) => {
    const found = await askMonitors(`${url}, http://127.0.0.1:1`);
    expect(found.every((one) => "failure" in one)).toBe(true);
    expect(JSON.stringify(found)).not.toMatch(/s3cr3t|admin|:12\b/);
  });
});
