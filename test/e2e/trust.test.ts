import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { atTerminal, runBin } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { foreignFolder, NO_TRUST, schemaModule } from "../support/person.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort, startTarget } from "../support/target.ts";
import { startTargetApp } from "../support/target-app.ts";
import { TerminalShell } from "../support/tmux.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;
const TARGET = { [CONFIG]: JSON.stringify({ forwardTo: "http://app:3000/" }) };

/** The variables of someone with a home of their own. */
function newHome() {
  const home = tempFolder();
  return { ...NO_TRUST, HOME: home, USERPROFILE: home, APPDATA: join(home, ".config") };
}

function trustedBy({ HOME }: { readonly HOME: string }): Record<string, unknown> {
  return JSON.parse(readFileSync(join(HOME, ".config/zoho-hooks/trusted-folders.json"), "utf8"));
}

describe("in a stranger's folder with a module as a schema, a process without a terminal", () => {
  it.each([
    [["verify", "payload.json"], 2],
    [["send", "forms", "--dry-run"], 2],
    [["listen", "--port", "0", "--tunnel", "none"], 2],
    [["types"], 2],
    [["channels", "list"], 2],
    [["products", "forms"], 2],
    [["doctor"], 8],
    [["products"], 0],
  ])("%j ends with %i, runs none of its code and asks none of its servers", async (argv, status) => {
    const thief = await startTarget();
    const ran = join(tempFolder(), "ran");
    const cwd = foreignFolder({
      [CONFIG]: '{"products": {"forms": {"schema": "s.mjs"}}}',
      "s.mjs": schemaModule(ran),
      "payload.json": '{"a":1}',
      ".env": [
        `ZOHO_ACCOUNTS_URL=${thief.url}\nZOHO_API_URL=${thief.url}\nHTTPS_PROXY=${thief.url}`,
        "ZOHO_CLIENT_ID=1000.X\nZOHO_CLIENT_SECRET=s\nZOHO_REFRESH_TOKEN=1000.x\nNGROK_AUTHTOKEN=2abc\n",
      ].join("\n"),
    });
    const result = await runBin(argv, { cwd, env: newHome() });
    expect([result.status, result.stdout + result.stderr]).toEqual([
      status,
      expect.stringMatching(
        /is not trusted, and its files decide: code s\.mjs; account ZOHO_ACCOUNTS_URL=.*NGROK_AUTHTOKEN/,
      ),
    ]);
    expect([existsSync(ran), thief.seen]).toEqual([false, []]);
    await thief.close();
  });

  it("verify runs it where the real environment says so", async () => {
    for (const env of [{ CI: "true" }, { ZOHO_HOOKS_TRUST: "1" }]) {
      const ran = join(tempFolder(), "ran");
      const files = {
        [CONFIG]: '{"products": {"forms": {"schema": "s.mjs"}}}',
        "s.mjs": schemaModule(ran),
        "p.json": "{}",
      };
      const cwd = foreignFolder(files);
      await runBin(["verify", "p.json"], { cwd, env: { ...newHome(), ...env } });
      expect(existsSync(ran)).toBe(true);
      // Only for this run.
      expect((await runBin(["verify", "p.json"], { cwd, env: newHome() })).status).toBe(2);
    }
  });

  it("its .env moves neither the home nor the trust", async () => {
    const cwd = foreignFolder(TARGET);
    const list = { "x/zoho-hooks/trusted-folders.json": JSON.stringify({ [cwd]: "all" }) };
    foreignFolder(list, { folder: cwd });
    mkdirSync(join(cwd, ".config"));
    cpSync(join(cwd, "x"), join(cwd, ".config"), { recursive: true });
    writeFileSync(join(cwd, ".env"), `CI=true\nZOHO_HOOKS_TRUST=1\nHOME=${cwd}\nXDG_CONFIG_HOME=${cwd}/x\n`);
    expect(await runBin(COMMAND, { cwd, env: newHome() })).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("several processes at once", () => {
  it("lose no folder of one another", async () => {
    const home = newHome();
    const folders = Array.from({ length: 6 }, () => foreignFolder(TARGET));
    const results = await Promise.all(folders.map((cwd) => runBin(["trust"], { cwd, env: home })));
    expect(results.map(({ status }) => status)).toEqual(folders.map(() => 0));
    expect(trustedBy(home)).toEqual(Object.fromEntries(folders.map((cwd) => [cwd, ["forwardTo http://app:3000/"]])));
  });
});

describe.skipIf(lacks("script of util-linux"))("at a terminal", () => {
  it("the question shows what the files decide; Enter is no, and a yes is kept", async () => {
    const home = newHome();
    const cwd = foreignFolder({ ...TARGET, ".env": "NGROK_AUTHTOKEN=2abc\n" });
    const no = atTerminal(COMMAND, { cwd, env: home });
    await no.shown(/y\/N/);
    const text = stripVTControlCharacters(no.text).replaceAll("\r", "");
    // The folder's path decides where this sentence is wrapped.
    expect(text.replace(/\s+/g, " ")).toContain(`${cwd} is not trusted yet, and its files would decide: forwardTo`);
    expect(text).toContain(
      "decide:\n" +
        "  forwardTo  http://app:3000/  zoho-hooks.config.json\n" +
        "  tunnel     NGROK_AUTHTOKEN   .env\n" +
        "? Trust the files of this folder from now on? (y/N)",
    );
    no.type("\r");
    expect((await no.ended).status).toBe(2);

    const yes = atTerminal(COMMAND, { cwd, env: home });
    await yes.shown(/Trust the files of this folder from now on\?/);
    yes.type("y\r");
    expect(await yes.ended).toMatchObject({ status: 0, text: expect.stringContaining('"operation"') });
    expect(trustedBy(home)).toEqual({ [cwd]: ["forwardTo http://app:3000/", "tunnel NGROK_AUTHTOKEN"] });

    const again = await atTerminal(COMMAND, { cwd, env: home }).ended;
    expect(again).toMatchObject({ status: 0, text: expect.not.stringContaining("trust") });
    expect((await runBin(COMMAND, { cwd, env: home })).status).toBe(0);
  });

  it("Ctrl-C at the question does nothing", async () => {
    const [home, cwd] = [newHome(), foreignFolder(TARGET)];
    const screen = atTerminal(["fixtures", "eject", "crm", "Leads.create"], { cwd, env: home });
    await screen.shown(/Trust the files of this folder from now on\?/);
    screen.type("\u0003");
    expect((await screen.ended).status).toBe(130);
    expect([existsSync(join(cwd, ".zoho-hooks")), existsSync(join(home.HOME, ".config"))]).toEqual([false, false]);
  });
});

describe.skipIf(lacks("tmux"))("the keys of listen", { timeout: 60_000 }, () => {
  it("use the settings with which it was started, whatever the files say now", async () => {
    const [home, app, other] = [newHome(), await startTargetApp(), await startTargetApp()];
    const ran = join(tempFolder(), "ran");
    const cwd = foreignFolder({ [CONFIG]: JSON.stringify({ forwardTo: app.port }), "s.mjs": schemaModule(ran) });
    const port = await freePort();
    const shell = new TerminalShell({ cwd, env: home });
    shell.enter(`$Z listen --port ${port}`);
    await shell.shown(/Ready\. Listening/);
    const now = {
      forwardTo: other.port,
      host: "0.0.0.0",
      products: { crm: { schema: "s.mjs" }, forms: { schema: "s.mjs" } },
    };
    writeFileSync(join(cwd, CONFIG), JSON.stringify(now));
    await run(["send", "crm", "Leads.create", "--to", String(port)]);
    await shell.last(/^#1 · .* app up/);
    shell.type("r");
    await app.came(2);
    expect([other.seen.length, existsSync(ran)]).toEqual([0, false]);
  });
});
