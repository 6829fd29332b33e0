import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { IS_LONG, loggedLeads, peakOf } from "../support/faults.ts";
import { app, CRM, lead } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { tempFolder } from "../support/run.ts";
import { says } from "../support/target-app.ts";

const SECRET = "s3cr3t-of-the-tests";
const GENUINE = 5;
/** Of 1 MB each, against a log of 3 MB. */
const STRANGE = IS_LONG ? 500 : 12;
/** Rejected ones have a tenth of the log, which is pruned after as much again has come. */
const SMALL = IS_LONG ? 20_000 : 1000;

it("strangers evict no delivery that the app has failed", async () => {
  const cwd = tempFolder();
  const target = await app(says(500));
  const flags = ["--forward-to", target.url, "--retries", "0"];
  const listener = await startListenProcess(flags, {
    cwd,
    env: { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_HOOKS_MAX_LOG: "3mb" },
  });
  const post = async (body: string | Buffer, signature?: string): Promise<number> => {
    const headers = { "content-type": "application/json", ...(signature && { "x-zoho-signature": signature }) };
    const response = await fetch(listener.url + CRM, { method: "POST", headers, body });
    await response.arrayBuffer();
    return response.status;
  };
  for (let i = 0; i < GENUINE; i++)
    expect(await post(lead(i), createHmac("sha256", SECRET).update(lead(i)).digest("hex"))).toBe(200);
  for (let i = 0; i < STRANGE; i++) expect(await post(Buffer.alloc(1_000_000, "x"), "00")).toBeGreaterThanOrEqual(400);
  for (let i = 0; i < SMALL; i += 50) await Promise.all(Array.from({ length: 50 }, () => post("x".repeat(500), "00")));
  const peak = peakOf(listener);
  const { exitCode, summary } = await listener.stop();
  expect([exitCode, summary]).toMatchObject([0, { forwards: { failed: GENUINE } }]);
  const logged = await loggedLeads(cwd);
  process.stdout.write(
    `strangers: ${STRANGE + SMALL} rejected, ${logged.length} left in the log, peak ${peak?.toFixed(0)} MB\n`,
  );
  expect(logged.slice(0, GENUINE)).toEqual(Array.from({ length: GENUINE }, (_, i) => i));
  expect(logged.length).toBeLessThan(500);
});
