import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

const SECRET = "s3cretOfBilling";

describe("billing, as Zoho calls subscriptions now,", () => {
  it.each([
    ["products", "billing"],
    ["fixtures", "list", "billing"],
    ["fixtures", "show", "Billing", "subscription_created"],
    ["types", "billing"],
    ["skill", "billing"],
    ["send", "billing", "subscription_created", "--dry-run", "--to", "1"],
    ["send", "billing.subscription_created", "--dry-run", "--to", "1"],
    ["completion", "words", "--", "send", "billing", ""],
  ])("is understood by %s %s", async (...argv) => {
    const named = await run(argv);
    const byId = await run(argv.map((word) => word.replace(/billing/i, "subscriptions")));
    expect([named.exitCode, named.err]).toEqual([0, expect.not.stringContaining("warning")]);
    // The ids of samples differ.
    const masked = (text: string) => text.replace(/\d{4,}/g, "N");
    expect(masked(named.out)).toBe(masked(byId.out));
  });

  it("is a URL, a variable, a setting, a pattern, a route and a filter", async () => {
    const app = await startTarget();
    const cwd = folderWith({ "zoho-hooks.config.json": '{"products": {"billing": {"format": "wire"}}}' });
    const env = { ZOHO_WEBHOOK_SECRET: "another", ZOHO_WEBHOOK_SECRET_BILLING: SECRET };
    const listener = await startListener(
      ["--events", "billing:*", "--expect", "billing:subscription_created=2", "--route", `billing:*=${app.port}`],
      { cwd, env },
    );
    const body = (await run(["fixtures", "show", "billing", "subscription_created"])).out.trim();
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const headers = { "content-type": "application/json", "x-zoho-webhook-signature": signature };
    for (const name of ["billing", "subscriptions"]) {
      const { status } = await listener.post(`/webhooks/zoho/${name}`, body, headers);
      expect([name, status]).toEqual([name, 200]);
    }
    expect(await listener.event(1)).toMatchObject({ product: "subscriptions", signatures: [{ result: "verified" }] });
    await listener.stop();
    expect(app.seen.length).toBeGreaterThan(0);
    const listed = async (product: string) =>
      (await run(["events", "list", "--product", product, "--json"], { cwd })).lines().map(({ n }) => n);
    expect(await listed("billing")).toEqual(await listed("subscriptions"));
    expect(await listed("billing")).toHaveLength(2);
    await app.close();
  });

  it("may have both variables, and either key is right", async () => {
    const env = { ZOHO_WEBHOOK_SECRET_SUBSCRIPTIONS: "old", ZOHO_WEBHOOK_SECRET_BILLING: SECRET };
    const body = '{"subscription":{"subscription_id":"903415000000123456","status":"live"}}';
    for (const key of ["old", SECRET]) {
      const signature = createHmac("sha256", key).update(body).digest("hex");
      const { exitCode, out } = await run(["verify", "-p", "billing", "-s", signature], { env, stdin: body });
      expect([exitCode, out]).toEqual([0, expect.stringContaining("✓ verified (finance-signature)")]);
    }
  });

  it("cannot be configured twice, or be the name of an own product", async () => {
    const configured = async (products: object) =>
      run(["products", "crm"], { cwd: folderWith({ "zoho-hooks.config.json": JSON.stringify({ products }) }) });
    const twice = await configured({ billing: {}, subscriptions: {} });
    expect([twice.exitCode, twice.err]).toEqual([2, expect.stringContaining("the same product as subscriptions")]);
    const own = await configured({ billing: { path: "own" } });
    expect([own.exitCode, own.err]).toEqual([2, expect.stringContaining("is a built-in product")]);
  });
});
