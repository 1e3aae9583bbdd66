import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { nkeys } from "@nats-io/nats-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openNats } from "../../../src/cli/connection/nats.ts";
import { eventually } from "../../support/eventually.ts";
import { startNats } from "../../support/nats-server.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-creds-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A user of its own, as a credentials file. The server checks the signature only. */
function newUser(): { readonly publicKey: string; readonly creds: string } {
  const user = nkeys.createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  const creds = `-----BEGIN NATS USER JWT-----\nnone\n------END NATS USER JWT------\n
-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  return { publicKey: user.getPublicKey(), creds };
}

it("reads the credentials again when it reconnects, and does not give up while they are rejected", async () => {
  const [old, rotated] = [newUser(), newUser()];
  const users = join(folder, "users.conf");
  const allow = ({ publicKey }: { readonly publicKey: string }) =>
    writeFile(users, `authorization { users: [{ nkey: ${publicKey} }] }\n`);
  await allow(old);
  await using server = await startNats({ config: `include "../${basename(folder)}/users.conf"` });
  const credsPath = join(folder, "user.creds");
  await writeFile(credsPath, old.creds);
  await using nats = await openNats({ servers: [`127.0.0.1:${server.port}`], credsPath }, "test");
  await nats.connection.rtt();

  const rejections: string[] = [];
  void (async () => {
    for await (const { type } of nats.connection.status()) rejections.push(type);
  })();
  await allow(rotated);
  // The file is being written.
  await writeFile(credsPath, rotated.creds.slice(0, 80));
  await server.restart();
  await eventually(
    "several rejected connections",
    () => rejections.filter((type) => type === "reconnecting").length > 3,
  );
  expect(nats.connection.isClosed()).toBe(false);

  await rm(credsPath);
  await writeFile(credsPath, rotated.creds);
  await eventually("the connection with the new credentials", async () => {
    await nats.connection.rtt();
    return true;
  });
});
