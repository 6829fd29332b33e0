import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { type DataCentreWorld, startDataCentres } from "../support/data-centres.ts";
import { tempFolder } from "../support/run.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

type Four = [ZohoServer, ZohoServer, ZohoServer, ZohoServer];
const SCOPES = ["ZohoCRM.notifications.ALL"];
let us: ZohoServer;
let eu: ZohoServer;
let india: ZohoServer;
let singapore: ZohoServer;
let world: DataCentreWorld;
let home: string;
beforeEach(async () => {
  [us, eu, india, singapore] = (await Promise.all(Array.from({ length: 4 }, () => startZohoServer()))) as Four;
  // Elsewhere the client has another secret, or is unknown.
  us.trouble({ status: 200, body: { error: "invalid_client" } }, 99, ({ method }) => method === "POST");
  world = await startDataCentres({ us: us.url, eu: eu.url, in: india.url, sg: singapore.url });
  home = tempFolder();
});
afterEach(() => Promise.all([us, eu, india, singapore, world].map((each) => each.close())));

const zoho = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runBin(argv, {
    env: {
      ...world.env,
      HOME: home,
      USERPROFILE: home,
      APPDATA: home,
      ZOHO_CLIENT_SECRET: india.accounts.clientSecret,
      ...env,
    },
  });
const login = (dc: string, code = india.accounts.makeCode(SCOPES)) =>
  zoho(["login", "--json", "--dc", dc, "--code", code, "--client-id", india.accounts.clientId]);

describe("login to Zoho's own hosts", () => {
  it("names the data centre that it tried and how to find the right one", async () => {
    const { status, stderr } = await login("eu");
    expect(status).toBe(6);
    const { error } = JSON.parse(stderr);
    expect(error.code).toBe("invalid_code");
    expect(error.message).toContain("the organisation is not in the data centre eu");
    expect(error.hint).toContain("login --dc auto finds the data centre");
    expect(world.asked).toEqual(["accounts.zoho.eu"]);
  });

  it("tries each data centre with --dc auto, and signs in to the one that knows the code", async () => {
    const { status, stdout } = await login("auto");
    expect(status).toBe(0);
    expect(JSON.parse(stdout.split("\n")[0] ?? "")).toMatchObject({
      state: "signed_in",
      data_centre: "in",
      accounts_url: "https://accounts.zoho.in",
    });
    expect(world.asked).toEqual(["accounts.zoho.com", "accounts.zoho.eu", "accounts.zoho.in"]);
    const who = await zoho(["whoami", "--json"]);
    expect(JSON.parse(who.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({ data_centre: "in" });
  });

  it("reports every answer when no data centre knows the code", async () => {
    const { status, stderr } = await login("auto", "1000.used");
    expect(status).toBe(6);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: "no_data_centre" });
    expect(error.message).toContain("us: invalid_client, eu: invalid_code, in: invalid_code, au: could not be reached");
    expect(error.message).toContain("none of Zoho's data centres that could be reached accepts this sign-in");
    expect(error.message).not.toContain("1000.used");
  });

  it("reports a network failure when no data centre could be reached", async () => {
    await world.close();
    world = await startDataCentres({});
    const { status, stderr } = await login("auto");
    const { error } = JSON.parse(stderr);
    expect([status, error.message]).toEqual([7, expect.stringMatching(/^no data centre could be reached: .*zoho/)]);
    expect(error.hint).toContain("check the network connection");
  });

  it("does not contact Zoho's hosts when the environment names another", async () => {
    const { status, stderr } = await zoho(["login", "--dc", "auto", "--code", "1000.x", "--client-id", "1000.x"], {
      ZOHO_ACCOUNTS_URL: us.url,
    });
    expect(status).toBe(2);
    expect(stderr).toContain("ZOHO_ACCOUNTS_URL names another");
    expect(world.asked).toEqual([]);
  });
});

describe("a data centre that only Zoho's list has", () => {
  const LISTED = ["accounts.zoho.com", "accounts.zoho.sg"];

  it("is looked up without a secret, signed in to, and known afterwards", async () => {
    const { status, stdout } = await login("SG", singapore.accounts.makeCode(SCOPES));
    expect(status).toBe(0);
    const centre = { data_centre: "sg", accounts_url: "https://accounts.zoho.sg" };
    expect(JSON.parse(stdout.split("\n")[0] ?? "")).toMatchObject({ state: "signed_in", ...centre });
    expect(world.asked).toEqual(LISTED);
    expect(us.requests).toMatchObject([{ method: "GET", path: "/oauth/serverinfo" }]);
    expect([...(us.requests[0]?.query ?? []), ...(us.requests[0]?.form ?? [])]).toEqual([]);
    const who = await zoho(["whoami", "--json"]);
    expect(JSON.parse(who.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject(centre);
    expect(world.asked).toEqual(LISTED);
  });

  it("may be the environment's", async () => {
    const { clientId, clientSecret } = singapore.accounts;
    const env = {
      ZOHO_CLIENT_ID: clientId,
      ZOHO_CLIENT_SECRET: clientSecret,
      ZOHO_REFRESH_TOKEN: singapore.accounts.makeRefreshToken(SCOPES),
      ZOHO_DC: "sg",
    };
    expect((await zoho(["whoami", "--json"], env)).status).toBe(0);
    expect(world.asked).toEqual(LISTED);
    const { status, stderr } = await zoho(["channels", "list"], { ZOHO_ACCESS_TOKEN: "1000.a", ZOHO_DC: "sg" });
    expect([status, stderr]).toEqual([2, expect.stringContaining("set ZOHO_API_URL to it")]);
  });

  it("is refused unless it is listed, and with a URL of Zoho's", async () => {
    us.accounts.locations = { sg: "https://accounts.zoho.sg", xx: "https://accounts.evil.example" };
    const unlisted = JSON.parse((await login("moon")).stderr).error;
    expect(unlisted).toMatchObject({ code: "usage", message: 'there is no Zoho data centre "moon"' });
    expect(unlisted.hint).toMatch(/^use one of us, .*ae, sg, xx:/);
    const foreign = await login("xx");
    expect(foreign.status).toBe(2);
    expect(JSON.parse(foreign.stderr).error.message).toContain("which is not an accounts server of Zoho's");
    expect(new Set(world.asked)).toEqual(new Set(["accounts.zoho.com"]));
  });

  it("is neither refused nor used if the list cannot be read", async () => {
    await world.close();
    world = await startDataCentres({ sg: singapore.url });
    const { status, stderr } = await login("sg");
    expect([status, JSON.parse(stderr).error.message]).toEqual([7, expect.stringContaining("cannot look it up")]);
    expect(world.asked).toEqual([]);
  });

  it("is not looked up where ZOHO_ACCOUNTS_URL names another server than Zoho's", async () => {
    const argv = ["login", "--dc", "sg", "--code", "1000.x", "--client-id", "1000.x"];
    const { status, stderr } = await zoho(argv, { ZOHO_ACCOUNTS_URL: eu.url });
    expect([status, stderr]).toEqual([2, expect.stringContaining("ZOHO_ACCOUNTS_URL names another")]);
    expect([world.asked, eu.requests]).toEqual([[], []]);
  });
});
