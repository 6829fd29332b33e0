import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { run } from "../support/run.ts";
import { startZohoServer } from "../support/zoho-server.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const QUERY = "token=h1dden&api_key=h1dden&n=1";
const MASKED = "token=[masked]&api_key=[masked]&n=1";

describe("a URL is shown without its secrets", () => {
  it("by channels create, if Zoho posts to another URL than was asked for", async () => {
    const row = { channel_id: "1", resource_name: "Leads", events: ["Leads.create"] };
    const lists = (url: string) => ({ watch: [{ ...row, notify_url: url }] });
    const create = async (listed: string): Promise<string> => {
      world.server.trouble({ status: 204 }, 1, isWatch("GET"));
      world.server.trouble({ status: 200, body: lists(listed) }, 1, isWatch("GET"));
      const { out, err } = await world.create("--id", "1", "--url", `https://abc.example/h?${QUERY}`);
      expect(out + err).not.toMatch(/h1dden|0ther/);
      return err;
    };
    expect(await create(`https://new.example/h?${QUERY}`)).toContain(
      `Zoho posts to https://new.example/h?${MASKED}, not to https://abc.example/h?${MASKED}`,
    );
    expect(await create(`https://abc.example/h?${QUERY.replaceAll("h1dden", "0ther")}`)).toContain(
      `Zoho posts to https://abc.example/h?${MASKED}, but with a different secret in the URL than requested`,
    );
  });

  it("by channels delete --dead", async () => {
    const closed = await startZohoServer();
    await closed.close();
    await world.create("--id", "1", "--url", `${closed.url}/dead?${QUERY}`);
    const { out, err } = await world.channels(["delete", "--dead", "--dry-run"]);
    expect(err).toContain(`1 posts to ${closed.url}/dead?${MASKED}: connection refused`);
    expect(out + err).not.toContain("h1dden");
  });

  it("by webhooks create and list, as text and as JSON", async () => {
    const { server, clock, cwd } = world;
    const scopes = managedProducts.flatMap((each) => each.loginScopes);
    const env = { ...world.env, ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(scopes) };
    const webhooks = async (...argv: string[]) => {
      await clock.sleep(1000);
      const { out, err } = await run(["webhooks", ...argv, "--product", "books"], {
        ...{ env, cwd, now: clock.now, sleep: clock.sleep },
      });
      expect(out + err).not.toContain("h1dden");
      return out + err;
    };
    const url = (path: string) => `https://abc.example/${path}?${QUERY}`;
    const listed = { webhook_id: "460000000026049", webhook_name: "n", entity: "invoice", url: url("other") };
    server.trouble(
      { status: 200, body: { code: 0, webhooks: [listed] } },
      1,
      ({ method, path }) => method === "GET" && path.endsWith("/settings/webhooks"),
    );
    const made = await webhooks("create", "invoice", "--url", url("h"));
    expect(made).toContain(`Zoho posts to https://abc.example/other?${MASKED}, not to https://abc.example/h?${MASKED}`);
    expect(await webhooks("list")).toContain(`https://abc.example/h?${MASKED}`);
    expect(await webhooks("list", "--json")).toContain(`"url":"https://abc.example/h?${MASKED}"`);
  });
});
