import { createHmac, randomUUID } from "node:crypto";

// Delivers one signed webhook to a receiver twice, as GitHub does when a user presses "Redeliver", and prints the answers.

const [url = "http://127.0.0.1:8080/webhooks/github"] = process.argv.slice(2);
const secret = process.env["GITHUB_WEBHOOK_SECRET"] ?? "development-secret";

const body = JSON.stringify({ action: "opened" });
const headers = {
  "content-type": "application/json",
  "x-github-event": "issues",
  "x-github-delivery": randomUUID(),
  "x-github-hook-id": "292430182",
  "x-github-hook-installation-target-id": "79929171",
  "x-github-hook-installation-target-type": "repository",
  "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
};

for (const delivery of ["first delivery", "redelivery"]) {
  const { status } = await fetch(url, { method: "POST", body, headers });
  console.log(`${delivery}: ${status}`);
}
