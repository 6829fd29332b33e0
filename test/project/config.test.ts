import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { type RunOptions, run } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
const USER_CONFIG = join("config", "zoho-hooks", "config.json");

/** Runs in a folder that is also the user's home, with their settings in `config/`. */
function inFolder(cwd: string, env: Readonly<Record<string, string>> = {}): RunOptions {
  return { cwd, env: { XDG_CONFIG_HOME: join(cwd, "config"), ...env } };
}

async function setting(key: string, options: RunOptions): Promise<unknown[]> {
  const { lines, err, exitCode } = await run(["config", "show", "--json"], options);
  if (exitCode !== 0) throw new Error(err);
  const line = lines().find((each) => each.key === key);
  return [line?.value, line?.origin];
}

describe("config show", () => {
  it("shows each setting and where it came from, in columns", async () => {
    const cwd = folderWith({ [CONFIG]: '{"port": 5001}' });
    const { exitCode, out, err } = await run(["config", "show"], inFolder(cwd, { ZOHO_HOOKS_HOST: "::1" }));
    expect([exitCode, err]).toEqual([0, ""]);
    const [head = "", ...lines] = out.trimEnd().split("\n");
    expect(head).toMatch(/^setting +value +from$/);
    for (const line of lines.filter((each) => each.length > head.indexOf("from"))) {
      expect(line.slice(head.indexOf("value") - 2).startsWith("  ")).toBe(true);
      expect(line.slice(head.indexOf("from") - 2)).toMatch(/^ {2}\S/);
    }
    expect(out).toMatch(/^port +5001 +zoho-hooks\.config\.json$/m);
    expect(out).toMatch(/^host +::1 +ZOHO_HOOKS_HOST \(environment\)$/m);
    expect(out).toMatch(/^schema +warn +default$/m);
    expect(out).toMatch(/^forwardTo +\(not set\) +default$/m);
    // The names of the config file, so that they can be copied there.
    expect(out).toMatch(/^tunnel\.domain +\(not set\) +default$/m);
    expect(out).toMatch(/^tunnel\.use +\(not set\) +default$/m);
    expect(out).not.toContain("(none)");
  });

  it("uses the names of the config file in JSON", async () => {
    const cwd = folderWith({ [CONFIG]: '{"tunnel": {"domain": "acme.example"}}' });
    expect(await setting("tunnel.domain", inFolder(cwd))).toEqual(["acme.example", join(cwd, CONFIG)]);
  });

  it("rejects a first pause that no timer can hold", async () => {
    const { exitCode, err } = await run(
      ["config", "show"],
      inFolder(folderWith({}), { ZOHO_HOOKS_RETRY_BASE: "99999999d" }),
    );
    expect([exitCode, err]).toEqual([2, expect.stringContaining("must be more than 0 and at most 24h")]);
  });

  it("says where each value comes from", async () => {
    const { out } = await run(["config", "show"]);
    expect(out).toMatch(/^port +4460 +default$/m);
  });

  it("prefers environment to .env to project to user to default", async () => {
    const files: Record<string, string> = {};
    const at = (env: Record<string, string> = {}) => setting("port", inFolder(folderWith(files), env));
    const seen = [await at()];
    files[USER_CONFIG] = '{"port": 1001}';
    seen.push(await at());
    files[CONFIG] = '{"port": 1002}';
    seen.push(await at());
    files[".env"] = "ZOHO_HOOKS_PORT=1003\n";
    seen.push(await at());
    seen.push(await at({ ZOHO_HOOKS_PORT: "1004" }));
    expect(seen).toEqual([
      [4460, "default"],
      [1001, expect.stringContaining(USER_CONFIG)],
      [1002, expect.stringContaining(CONFIG)],
      [1003, expect.stringMatching(/^ZOHO_HOOKS_PORT \(.*[\\/]\.env\)$/)],
      [1004, "ZOHO_HOOKS_PORT (environment)"],
    ]);
  });

  it("finds the project's file from a subfolder", async () => {
    const root = folderWith({ [CONFIG]: '{"port": 5002}', "src/app/index.js": "" });
    expect(await setting("port", { cwd: join(root, "src", "app") })).toEqual([5002, join(root, CONFIG)]);
  });

  it("reads every kind of setting from variables", async () => {
    const env = {
      ZOHO_HOOKS_MAX_BODY: "2mib",
      ZOHO_HOOKS_SCHEMA: "enforce",
      ZOHO_HOOKS_ON_INVALID: "warn",
      ZOHO_HOOKS_EVENTS: "crm:Leads.*, desk:*",
      ZOHO_HOOKS_ALLOW_IP: "10.0.0.0/8",
      ZOHO_HOOKS_FORWARD_TO: "3000",
    };
    const { lines } = await run(["config", "show", "--json"], { env });
    const values = Object.fromEntries(lines().map(({ key, value }) => [key, value]));
    expect(values).toMatchObject({
      maxBody: 2_097_152,
      schema: "enforce",
      onInvalid: "warn",
      events: ["crm:Leads.*", "desk:*"],
      allowIp: ["10.0.0.0/8"],
      forwardTo: ["3000"],
    });
  });

  it("shows where a secret is set, never its value", async () => {
    const cwd = folderWith({ ".env": "ZOHO_WEBHOOK_TOKEN=hush-token\n" });
    const env = { ZOHO_WEBHOOK_SECRET_CRM: "hush-secret" };
    for (const argv of [
      ["config", "show"],
      ["config", "show", "--json"],
    ]) {
      const { out, err } = await run(argv, { cwd, env });
      expect(out + err).not.toContain("hush");
      expect(out).toContain("(set)");
    }
    expect(await setting("ZOHO_WEBHOOK_SECRET_CRM", { cwd, env })).toEqual(["(set)", "environment"]);
    expect(await setting("ZOHO_WEBHOOK_TOKEN", { cwd, env })).toEqual(["(set)", join(cwd, ".env")]);
    expect(await setting("ZOHO_WEBHOOK_SECRET", { cwd, env })).toEqual([null, null]);
  });

  it("warns of an unknown variable", async () => {
    const { exitCode, err } = await run(["config", "show"], { env: { ZOHO_HOOKS_PROT: "5000" } });
    expect(exitCode).toBe(0);
    expect(err).toBe(
      "warning: ZOHO_HOOKS_PROT (environment) is not a setting, so it has no effect\n  did you mean ZOHO_HOOKS_PORT?\n",
    );
  });
});

describe("a .env", () => {
  const secret = "ZOHO_WEBHOOK_SECRET";

  it.each([
    ["with a byte order mark", `\uFEFF${secret}=abc\n`],
    ["with a line that is no assignment", `some text here\n${secret}=abc\n`],
    ["with a bare export", `export\r\n${secret}=abc\r\n`],
    ["with a value of several lines", `KEY="a\nno assignment\n"\n${secret}=abc\n`],
    ["with a key of several lines", `ZOHO_WEBHOOK_PUBLIC_KEY="-----BEGIN\nA==\n-----"\n${secret}=abc\n`],
    ["with a quote that is never closed", `KEY='it\n${secret}=abc\n`],
    ["with a quote in its last line that is never closed", `${secret}='abc`],
    ["with a key of the app's own", `ZOHO_PRIVATE_KEY="-----BEGIN\nAbc=="\n${secret}=abc\n`],
    ["with a line separator", `${secret}=abc\u2028d\n`],
    ["with certificates in a key set", `ZOHO_WEBHOOK_JWKS='{"x5c":[\n"MIIC==",\n"MIID=="]}'\n${secret}=abc\n`],
    ["with tabs around a name", `\texport\t${secret}\t=\tabc\n`],
    ["with a line of a tab", `A=1\n\t\n${secret}=abc\n`],
    ["with bare carriage returns", `A=1\r${secret}=abc\r`],
    ["with bare carriage returns before a quote that Node does not see", `A=\u00a0'\nB=1\r${secret}=abc\n`],
    ["with a value of 100,000 lines", `A="${"\n".repeat(100_000)}"\n${secret}=abc\n`],
  ])("is read %s", async (_, text) => {
    const cwd = folderWith({ ".env": text });
    expect(await setting(secret, { cwd })).toEqual(["(set)", join(cwd, ".env")]);
  });

  it("has no tab before a comment in its values", async () => {
    const cwd = folderWith({ ".env": "ZOHO_HOOKS_PUBLIC_URL=https://hooks.example.com\t# by the tunnel\n" });
    expect((await setting("tunnel.publicUrl", { cwd }))[0]).toEqual("https://hooks.example.com");
  });

  it.each<[string, string | Buffer, string]>([
    ["in UTF-16", Buffer.from(`\uFEFF${secret}=abc\n`, "utf16le"), ".env is not UTF-8 text"],
    ["with a secret in a line that is no assignment", `A=1\n${secret}: abc\n`, ".env:2 is not an assignment"],
    ["with such a line behind a value of several", `A="1\n2"\n${secret}: abc\n`, ".env:3 is not an assignment"],
    [
      "with a quote behind a tab that ends after a secret",
      `\tA\t=\t'it\n${secret}=abc\nB='b'\n`,
      "the quoted value of A continues",
    ],
    ["with a quote that ends after a secret", `A='it\n${secret}=abc\nB='b'\n`, "the quoted value of A continues"],
    [
      "with a secret that is commented out",
      `NGROK_DOMAIN='x\n# K=abc\n'\n`,
      ".env:1: the quoted value of NGROK_DOMAIN",
    ],
    ["with such a URL behind a control character", `ZOHO_WEBHOOK_JWKS="\x01https://x/?\nK=abc"\n`, "JWKS continues"],
    ["with a URL of several lines", `ZOHO_WEBHOOK_JWKS='https://x/?\nK=abc\nB='b'\n`, "ZOHO_WEBHOOK_JWKS continues"],
  ])("is rejected %s, which would silently lose its secrets", async (_, text, message) => {
    const { exitCode, err } = await run(["listen", "--port", "0"], { cwd: folderWith({ ".env": text }) });
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain("abc");
  });
});

it("rejects 'constructor' as ZOHO_WEBHOOK_JWKS", async () => {
  const env = { ZOHO_WEBHOOK_JWKS: "constructor" };
  const { exitCode, err } = await run(["listen", "--port", "0", "--timeout", "1ms"], { cwd: folderWith({}), env });
  expect([exitCode, err]).toEqual([2, expect.stringContaining("ZOHO_WEBHOOK_JWKS is not a key set")]);
});

describe("a config file", () => {
  it("accepts a port as a number", async () => {
    const cwd = folderWith({ [CONFIG]: '{ "forwardTo": 3000, "routes": { "desk:*": 3001 } }' });
    expect((await setting("forwardTo", { cwd }))[0]).toEqual(["3000"]);
    expect((await setting("routes", { cwd }))[0]).toEqual(["desk:*=3001"]);
  });

  it.each([
    ['{\n  "port": 1,\n}', "3:1: not valid JSON: expected a key in double quotes"],
    ['{\n  "prot": 1\n}', "2:11: prot: there is no such setting\n  did you mean port?"],
    ['{\n  "port": "80"\n}', "2:11: port: should be a number, but is text"],
    ['{\n  "port": 70000\n}', "2:11: port: is too large: 65535 at most"],
    ['{ "schema": "strict" }', '1:13: schema: is not one of "warn", "enforce", "off"'],
    ['{ "maxBody": "much" }', '1:14: maxBody: "much" is not a size\n  write it as 1048576, 500kb or 1mib'],
    ['{ "events": [ "a", 1 ] }', "1:20: events.1: should be text, but is a number"],
    [
      '{ "products": { "crm": { "fromat": "guide" } } }',
      "1:36: products.crm.fromat: there is no such setting\n  did you mean format?",
    ],
    [
      '{\n  "forwardTo": ["3000", "foo"]\n}',
      '2:25: forwardTo.1: "foo" is not a target\n  write it as 3000, /path, host:3000/path or https://host/path',
    ],
    [
      '{ "routes": { "desk:*": "3000",\n "crm:Leads.*": "foo" } }',
      '2:17: routes.crm:Leads.*: "foo" is not a target\n  write it as 3000',
    ],
    ['{ "routes": { "crm:": "3000" } }', '1:23: routes.crm:: the event pattern "crm:" is empty'],
    [
      '{ "secret": "s3cret" }',
      "1:13: secret: there is no such setting\n  secrets do not belong here: set ZOHO_WEBHOOK_SECRET",
    ],
    [
      '{ "products": ["desk"] }',
      '1:15: products: should be an object, but is a list\n  write it as "products": { "crm": {}, "desk": { "format": "wire" } }',
    ],
    ['{ "domain": "x.example" }', '1:13: domain: there is no such setting\n  write it as "tunnel": { "domain": … }'],
    [
      '{ "tunnel": "ngrok" }',
      '1:13: tunnel: should be an object, but is text\n  write it as "tunnel": { "use": "ngrok" }',
    ],
    ['{ "constructor": 1 }', "1:18: constructor: there is no such setting\n  settings: "],
    ['{ "tolerance": "often" }', '1:16: tolerance: "often" is not a duration'],
    ['{ "tunnel": { "timeout": "30d" } }', "1:26: tunnel.timeout: must be more than 0 and at most 24h"],
    ['{ "forwardTo": "" }', "1:16: forwardTo: "],
    ["[]", "1:1: the file: should be an object, but is a list"],
    ["", "1:1: not valid JSON: it is empty"],
  ])("rejects %j with file, line and column", async (text, message) => {
    const cwd = folderWith({ [CONFIG]: text });
    const { exitCode, out, err } = await run(["config", "show"], { cwd });
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain(`error: ${join(cwd, CONFIG)}:${message}`);
  });

  it("reads every setting in every way it can be written", async () => {
    const file = {
      maxBody: "1kb",
      ...{ tolerance: "10m", retryBase: "1s", forwardTimeout: "20s", keep: "1d", maxLog: "2mb" },
      tunnel: { timeout: "1m" },
    };
    const cwd = folderWith({ [CONFIG]: JSON.stringify(file) });
    const { lines } = await run(["config", "show", "--json"], { cwd });
    const shown = new Map(lines().map(({ key, value }) => [key, value]));
    for (const key of [...Object.keys(file).filter((each) => each !== "tunnel"), "tunnel.timeout"])
      expect(typeof shown.get(key), key).toBe("number");
    expect(shown.get("tolerance")).toBe(600_000);
  });

  it("may have a token in a target, which is masked", async () => {
    const targets = { forwardTo: "http://localhost:3000/?token=hush", routes: { "desk:*": "3000/x?auth=hush" } };
    const cwd = folderWith({ [CONFIG]: JSON.stringify(targets) });
    for (const flags of [[], ["--json"]]) {
      const { out } = await run(["config", "show", ...flags], { cwd });
      expect(out).toContain("desk:*=3000/x?auth=[masked]");
      expect(out).not.toContain("hush");
    }
  });

  it("is rejected if it names an unknown product", async () => {
    const cwd = folderWith({ [CONFIG]: '{"products": {"crmm": {}}}' });
    const { exitCode, err } = await run(["config", "show"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain("did you mean crm?");
  });

  it("rejects a product id in another case, which would have no effect", async () => {
    const cwd = folderWith({ [CONFIG]: '{"products": {"CRM": {"format": "wire"}}}' });
    const { exitCode, err } = await run(["send", "crm", "Leads.create", "--dry-run"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining('no product "CRM"\n  did you mean crm?')]);
  });

  it("may begin with a byte order mark", async () => {
    const cwd = folderWith({ [CONFIG]: '\uFEFF{"port": 5003}' });
    expect((await setting("port", { cwd }))[0]).toBe(5003);
  });

  it("is named in a JSON error in JSON mode", async () => {
    const cwd = folderWith({ [CONFIG]: '{"prot": 1}' });
    const { err } = await run(["config", "show", "--json"], { cwd });
    expect(JSON.parse(err)).toMatchObject({ v: 1, error: { code: "usage", hint: "did you mean port?" } });
  });
});

describe("a variable", () => {
  it.each([
    ["ZOHO_HOOKS_PORT", "http", "http"],
    ["ZOHO_HOOKS_SCHEMA", "strict", "strict"],
    ["ZOHO_HOOKS_FORWARD_TO", "3000,foo", "foo"],
    ["ZOHO_HOOKS_ROUTES", "crm:*", "crm:*"],
    ["ZOHO_HOOKS_ROUTES", "crm:*=foo", "foo"],
  ])("%s is named if its value %j is invalid", async (name, value, unread) => {
    const { exitCode, err } = await run(["config", "show"], { env: { [name]: value } });
    expect(exitCode).toBe(2);
    expect(err).toContain(`error: ${name}: "${unread}"`);
  });

  it("is ignored if it is empty", async () => {
    expect(await setting("port", { env: { ZOHO_HOOKS_PORT: "" } })).toEqual([4460, "default"]);
  });

  it("is overridden by a flag", async () => {
    // With port 1 listen could not start.
    const listener = await startListener([], { env: { ZOHO_HOOKS_PORT: "1" } });
    expect(new URL(listener.url).port).not.toBe("1");
    expect((await listener.stop()).exitCode).toBe(0);
  });

  it.each([" ", "\u200b\u2060"])("with a secret must not be empty: %j", async (blank) => {
    const { exitCode, err } = await run(["config", "show"], { env: { ZOHO_WEBHOOK_SECRET: blank } });
    expect(exitCode).toBe(2);
    expect(err).toContain("ZOHO_WEBHOOK_SECRET is set but empty");
  });
});

it("names the setting of a pattern with an unknown product", async () => {
  const cwd = folderWith({ [CONFIG]: '{"routes": {"crmm:Leads.*": 3000}}' });
  const { exitCode, err } = await run(["listen", "--port", "0"], inFolder(cwd));
  expect([exitCode, err]).toEqual([
    2,
    `error: routes in ${join(cwd, CONFIG)}: there is no product "crmm"\n  did you mean crm?\n`,
  ]);
});
