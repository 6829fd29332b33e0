import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { type DataCentreWorld, startDataCentres } from "../support/data-centres.ts";
import { tempFolder } from "../support/run.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const SCOPES = ["ZohoCRM.notifications.ALL"];
let us: ZohoServer;
let eu: ZohoServer;
let india: ZohoServer;
let world: DataCentreWorld;
let home: string;
beforeEach(async () => {
  [us, eu, india] = await Promise.all([startZohoServer(), startZohoServer(), startZohoServer()]);
  // Elsewhere the client has another secret, or is unknown.
  us.trouble({ status: 200, body: { error: "invalid_client" } }, 99);
  world = await startDataCentres({ us: us.url, eu: eu.url, in: india.url });
  home = tempFolder();
});
afterEach(() => Promise.all([us.close(), eu.close(), india.close(), world.close()]));

const zoho = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runBin(argv, {
    env: { ...world.env, HOME: home, USERPROFILE: home, APPDATA: home, ...env },
    stdin: india.accounts.clientSecret,
  });
const login = (dc: string, code = india.accounts.makeCode(SCOPES)) =>
  zoho([
    "login",
    "--json",
    "--dc",
    dc,
    "--code",
    code,
    "--client-id",
    "1000.STRICTCLIENT",
    "--client-secret-file",
    "-",
  ]);

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
    expect(JSON.parse(who.stdout)).toMatchObject({ data_centre: "in" });
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
    const { status, stderr } = await zoho(
      ["login", "--dc", "auto", "--code", "1000.x", "--client-id", "1000.x", "--client-secret-file", "-"],
      { ZOHO_ACCOUNTS_URL: us.url },
    );
    expect(status).toBe(2);
    expect(stderr).toContain("ZOHO_ACCOUNTS_URL names another");
    expect(world.asked).toEqual([]);
  });
});
