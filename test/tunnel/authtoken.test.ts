import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import { findAuthtoken, ngrokConfigFile } from "../../src/tunnel/authtoken.ts";

it.each([
  ["linux", {}, "/home/me/.config/ngrok/ngrok.yml"],
  ["linux", { XDG_CONFIG_HOME: "/cfg" }, "/cfg/ngrok/ngrok.yml"],
  ["darwin", {}, "/home/me/Library/Application Support/ngrok/ngrok.yml"],
  ["win32", { LOCALAPPDATA: "C:\\Users\\me\\AppData\\Local" }, "C:\\Users\\me\\AppData\\Local\\ngrok\\ngrok.yml"],
])("the authtoken is read from ngrok's own path on %s", (platform, env, path) => {
  expect(ngrokConfigFile({ variable: undefined, platform, env, home: "/home/me" })).toBe(path);
});

describe("the search for an authtoken", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "authtoken-"));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));
  const places = (variable?: string) => ({
    variable: variable === undefined ? undefined : secret(variable, "NGROK_AUTHTOKEN"),
    env: { XDG_CONFIG_HOME: home },
    home,
    platform: "linux",
  });
  const writeConfig = async (text: string) => {
    const file = join(home, "ngrok", "ngrok.yml");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  };

  it("prefers NGROK_AUTHTOKEN and names it as the origin", async () => {
    await writeConfig("authtoken: from-file\n");
    const found = await findAuthtoken(places(" from-env\n"));

    expect([found?.reveal(), found?.origin]).toEqual(["from-env", "NGROK_AUTHTOKEN"]);
  });

  it("reads the file, names it as the origin, and never shows the token", async () => {
    await writeConfig("agent:\n  authtoken: from-file\n");
    const found = await findAuthtoken(places());

    expect(found?.reveal()).toBe("from-file");
    expect(JSON.stringify(found)).toContain("ngrok.yml");
    expect(JSON.stringify(found)).not.toContain("from-file");
  });

  it("finds none without a file", async () => {
    expect(await findAuthtoken(places())).toBeUndefined();
  });

  it("reports an unreadable file", async () => {
    await mkdir(join(home, "ngrok", "ngrok.yml"), { recursive: true });

    await expect(findAuthtoken(places())).rejects.toThrow(/ngrok\.yml cannot be read/);
  });

  it.each([
    ["stands at the top in version 2", "version: 2\nauthtoken: 2abc_XYZ\ntunnels: {}\n", "2abc_XYZ"],
    ["stands under agent in version 3", 'version: "3"\r\nagent:\r\n    authtoken: 2abc_XYZ\r\n', "2abc_XYZ"],
    ["may be quoted and have a comment", "agent:\n  authtoken: '2abc' # mine\n", "2abc"],
    ["may follow other settings", 'agent:\n  api_key: k\n  authtoken: "2abc"\n', "2abc"],
  ])("reads one that %s", async (_what, yaml, token) => {
    await writeConfig(yaml);
    expect((await findAuthtoken(places()))?.reveal()).toBe(token);
  });

  it.each([
    ["a commented line", "# authtoken: 2abc\nagent:\n  # authtoken: 2abc\n"],
    ["another section's", "tunnels:\n  authtoken: 2abc\n"],
    ["an empty value", "authtoken:\nagent:\n  authtoken: ''\n"],
    ["nothing", ""],
  ])("reads none from %s", async (_what, yaml) => {
    await writeConfig(yaml);
    expect(await findAuthtoken(places())).toBeUndefined();
  });
});
