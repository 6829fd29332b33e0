import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONFIG_FILE } from "../../src/config/settings.ts";
import type { Prompts } from "../../src/reports/prompts.ts";
import { openLogAt } from "../../src/store/open-log.ts";
import { UserError } from "../../src/util/errors.ts";
import { answering } from "../support/answers.ts";
import { newEntry } from "../support/log-entry.ts";
import { projectWithZod, SHOP, shopProject } from "../support/own-product.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

const LISTEN = ["listen", "--timeout", "20ms"];
const DEFAULTS = ["--port", "0", "--tunnel", "none"];
const APP = "http://203.0.113.9/hook";

/** A project with this config file and `.env`, and an empty home folder beside it. */
function project(settings: object, env = "") {
  const folder = tempFolder();
  const cwd = join(folder, "project");
  mkdirSync(cwd);
  const configure = (changed: object): void => writeFileSync(join(cwd, CONFIG_FILE), JSON.stringify(changed));
  configure(settings);
  writeFileSync(join(cwd, ".env"), env);
  const user = { XDG_CONFIG_HOME: join(folder, "home") };
  return {
    cwd,
    configure,
    approvals: join(folder, "home/zoho-hooks/approved.json"),
    listen: (argv: readonly string[] = DEFAULTS, { env, ...options }: RunOptions = {}) =>
      run([...LISTEN, ...argv], { cwd, env: { ...user, ...env }, ...options }),
  };
}

/** A terminal in which every question gets this answer. */
function terminal(answer: boolean) {
  const questions: string[] = [];
  const confirm: Prompts["confirm"] = async ({ message, initial = false }) => {
    expect(initial).toBe(false);
    questions.push(message);
    return answer;
  };
  return { questions, prompts: { confirm } as Prompts };
}

interface NeedsUser {
  readonly settings: object;
  /** Another value, which is asked about anew. */
  readonly changed?: object;
  /** None for settings that have no flag. */
  readonly flags?: readonly string[];
  readonly variable: readonly [name: string, value: string];
  readonly shown: string;
  /** What makes `listen` use the setting. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The exit code of a run that was allowed: 6 without a sign-in, 9 where the tunnel cannot be opened. */
  readonly ok?: number;
}

const NEEDS_USER: readonly NeedsUser[] = [
  {
    settings: { host: "0.0.0.0" },
    changed: { host: "::" },
    flags: ["--host", "0.0.0.0"],
    variable: ["ZOHO_HOOKS_HOST", "0.0.0.0"],
    shown: "host in",
  },
  {
    settings: { forwardTo: APP },
    changed: { forwardTo: ["3000", `${APP}2`] },
    flags: ["--forward-to", APP],
    variable: ["ZOHO_HOOKS_FORWARD_TO", APP],
    shown: `is ${APP}`,
  },
  {
    settings: { routes: { "crm:*": "3000", "desk:*": APP } },
    changed: { routes: { "crm:*": APP } },
    flags: ["--route", `desk:*=${APP}`],
    variable: ["ZOHO_HOOKS_ROUTES", `desk:*=${APP}`],
    shown: APP,
  },
  {
    settings: { store: "../outside.db" },
    changed: { store: "../outside2.db" },
    flags: ["--store", "../outside.db"],
    variable: ["ZOHO_HOOKS_STORE", "../outside.db"],
    shown: "outside the project",
  },
  {
    settings: { insecure: true },
    flags: ["--insecure"],
    variable: ["ZOHO_HOOKS_INSECURE", "true"],
    shown: "any server could pass for staging.test",
    argv: [...DEFAULTS, "--forward-to", "https://staging.test"],
  },
  {
    settings: { tunnel: { publicUrl: "https://stranger.test" } },
    changed: { tunnel: { publicUrl: "https://other.test" } },
    flags: ["--public-url", "https://stranger.test"],
    variable: ["ZOHO_HOOKS_PUBLIC_URL", "https://stranger.test"],
    shown: "Zoho would post your records to it",
    argv: ["--port", "0", "--channel", "Leads.create"],
    ok: 6,
  },
  ...(["serverAddr", "rootCas"] as const).map((key) => ({
    settings: { tunnel: { [key]: "127.0.0.1" } },
    changed: { tunnel: { [key]: "127.0.0.2" } },
    variable: [key === "rootCas" ? "ZOHO_HOOKS_NGROK_ROOT_CAS" : "ZOHO_HOOKS_NGROK_SERVER_ADDR", "127.0.0.1"] as const,
    shown: "it would send your ngrok authtoken to another server",
    argv: ["--port", "0"],
    env: { NGROK_AUTHTOKEN: "token-of-the-user" },
    ok: 9,
  })),
];

const overrides = {
  openTunnel: async () => {
    throw new UserError("connectionLost", "no tunnel in this test");
  },
};

describe.each(NEEDS_USER)("a project's $settings", ({ settings, changed, flags = [], variable, shown, ...used }) => {
  const [name, value] = variable;
  const { argv = DEFAULTS, env = {}, ok = 0 } = used;
  const opened = (options: Parameters<typeof project>) => {
    const { listen, ...rest } = project(...options);
    const listenHere = (more: readonly string[] = [], run: RunOptions = {}) =>
      listen([...argv, ...more], { overrides, ...run, env: { ...env, ...run.env } });
    return { ...rest, listen: listenHere };
  };

  it("is refused without a terminal, with the file, the flag and the variable", async () => {
    const { cwd, listen, approvals } = opened([settings]);
    const { exitCode, err } = await listen();
    expect(exitCode).toBe(2);
    for (const part of [join(cwd, CONFIG_FILE), shown, flags[0] ?? name, name]) expect(err).toContain(part);
    expect(() => readFileSync(approvals)).toThrow("ENOENT");
  });

  it("is refused in the .env", async () => {
    const { cwd, listen } = opened([{}, `${name}='${value}'\n`]);
    const { exitCode, err } = await listen();
    expect([exitCode, err]).toEqual([2, expect.stringContaining(join(cwd, ".env"))]);
  });

  it("is taken from a flag, the environment and the user's own config file", async () => {
    const { cwd, listen } = opened([settings]);
    if (flags.length > 0) expect((await listen(flags)).exitCode).toBe(ok);
    expect((await listen([], { env: { [name]: value } })).exitCode).toBe(ok);
    mkdirSync(join(cwd, "../home/zoho-hooks"), { recursive: true });
    writeFileSync(join(cwd, "../home/zoho-hooks/config.json"), JSON.stringify(settings));
    writeFileSync(join(cwd, CONFIG_FILE), "{}");
    expect((await listen()).exitCode).toBe(ok);
  });

  it("is asked about once in a terminal, and again after a change", async () => {
    const { cwd, configure, listen, approvals } = opened([settings]);
    const { questions, prompts } = terminal(true);
    expect((await listen([], { prompts })).exitCode).toBe(ok);
    expect(questions).toEqual([expect.stringContaining(shown)]);
    expect((await listen()).exitCode).toBe(ok);
    expect(readFileSync(approvals, "utf8")).not.toContain("203.0.113.9");
    configure(changed ?? settings);
    expect((await listen()).exitCode).toBe(changed === undefined ? ok : 2);
    // Nothing about it is in the project.
    expect(readdirSync(cwd).filter((each) => each !== ".zoho-hooks")).toEqual([".env", CONFIG_FILE]);
  });

  it("is refused after a no, which is not remembered", async () => {
    const { listen } = opened([settings]);
    const { questions, prompts } = terminal(false);
    expect((await listen([], { prompts })).exitCode).toBe(2);
    expect((await listen([], { prompts })).exitCode).toBe(2);
    expect(questions).toHaveLength(2);
  });
});

describe("what the user has set with init", () => {
  it("is not reported or asked about until it changes", async () => {
    const { cwd, configure, listen } = project({});
    const env = { XDG_CONFIG_HOME: join(cwd, "../home") };
    const init = ["init", "--yes", "--force", "--products", "crm", "--target", APP];
    expect((await run(init, { cwd, env })).exitCode).toBe(0);
    const first = await listen();
    expect([first.exitCode, first.err]).toEqual([0, expect.not.stringContaining("set by this project")]);

    configure({ allowUnsigned: ["crm", "recruit"], forwardTo: "3000" });
    expect((await listen()).err).toContain("set by this project: allowUnsigned");
  });

  it.each([
    [`ZOHO_HOOKS_FORWARD_TO=${APP}`, 2, "forwardTo"],
    ["ZOHO_HOOKS_ALLOW_UNSIGNED=crm,recruit", 0, "set by this project: ZOHO_HOOKS_ALLOW_UNSIGNED"],
  ])("does not approve a value of the .env that overrides it: %s", async (line, exitCode, shown) => {
    const { cwd, listen } = project({}, `${line}\n`);
    const env = { XDG_CONFIG_HOME: join(cwd, "../home") };
    const init = ["init", "--yes", "--force", "--products", "crm", "--target", "3000"];
    const { err } = await run(init, { cwd, env });
    expect(err).toContain(`warning: ${line.split("=")[0]} in .env overrides the setting in ${CONFIG_FILE}`);
    const heard = await listen();
    expect(heard.exitCode).toBe(exitCode);
    expect(heard.err).toContain(exitCode === 0 ? shown : APP);
  });

  it.each([` ${APP}`, `\ufeff${APP}`, `${APP}\u200e`])(
    "does not approve the project's target %j when the user keeps the default answer",
    async (old) => {
      const { cwd, listen } = project({ forwardTo: old, port: 4461, allowUnsigned: [] });
      const env = { XDG_CONFIG_HOME: join(cwd, "../home") };
      const none = { ZOHO_WEBHOOK_SECRET: "none", ZOHO_WEBHOOK_TOKEN: "none" };
      const kept = answering({
        ...none,
        "never signs": false,
        "Webhooks Guide": false,
        "Where does your": "",
        Change: true,
      });
      const init = ["init", "--products", "crm", "--port", "4461"];
      expect((await run(init, { cwd, env, prompts: kept })).exitCode).toBe(0);
      expect((await listen()).exitCode).toBe(2);
    },
  );
});

describe("a yes", () => {
  it("does not hold for another project", async () => {
    const first = project({ host: "0.0.0.0" });
    const second = project({ host: "0.0.0.0" });
    const env = { XDG_CONFIG_HOME: join(first.cwd, "../home") };
    expect((await first.listen(DEFAULTS, terminal(true))).exitCode).toBe(0);
    expect((await second.listen(DEFAULTS, { env })).exitCode).toBe(2);
    expect((await first.listen()).exitCode).toBe(0);
  });

  it("counts for this run where it cannot be saved", async () => {
    const { cwd, listen } = project({ host: "0.0.0.0" });
    writeFileSync(join(cwd, "../home"), "");
    const { exitCode, err } = await listen(DEFAULTS, terminal(true));
    expect([exitCode, err]).toEqual([0, expect.stringContaining("your answer could not be saved")]);
  });

  it("lets keep prune a store of the user's choice", async () => {
    const { listen } = project({ keep: "1h" });
    const argv = [...DEFAULTS, "--store", "../outside.db"];
    expect((await listen(argv)).err).toContain("is not applied");
    const { questions, prompts } = terminal(true);
    expect((await listen(argv, { prompts })).err).not.toContain("is not applied");
    expect(questions).toHaveLength(1);
    expect((await listen(argv)).err).not.toContain("is not applied");
  });
});

describe("insecure of a project", () => {
  it("is allowed for targets on this machine", async () => {
    const { listen } = project({ insecure: true, forwardTo: "https://localhost:3000" });
    expect((await listen()).exitCode).toBe(0);
  });

  it("needs the user for other targets, also the user's own, and for each anew", async () => {
    const { listen } = project({ insecure: true });
    const to = (host: string) => [...DEFAULTS, "--forward-to", `https://${host}`];
    expect((await listen(to("staging.test"), terminal(true))).exitCode).toBe(0);
    expect((await listen(to("staging.test"))).exitCode).toBe(0);
    expect((await listen(to("other.test"))).exitCode).toBe(2);
  });
});

describe("a project decides by itself", () => {
  it.each([
    { host: "localhost" },
    { host: "127.0.0.9" },
    { forwardTo: ["3000", "/hook", "localhost:3001", "http://127.8.9.1/x", "http://[::1]:3000"] },
    { routes: { "crm:*": "3000/leads" } },
    { store: "logs/events.db", keep: "1d", maxLog: "1mb" },
    { maxBody: "1mb", tolerance: "1m", retries: 1, respond: "mirror", schema: "enforce", onInvalid: "reject" },
    { allowIp: ["10.0.0.0/8"], products: { crm: { format: "wire" } } },
  ])("%j", async (settings) => {
    const { exitCode, err } = await project(settings).listen(DEFAULTS);
    expect(exitCode).toBe(0);
    expect(err).not.toContain("set by this project");
  });

  it.each([
    ["http://localhost.evil.test"],
    ["http://localhost.:3000"],
    ["http://a.localhost"],
    ["http://127.0.0.1.evil.test"],
    ["http://2130706434.evil.test"],
    ["http://[::ffff:203.0.113.9]"],
    ["http:///:product"],
    ["10.0.0.1:3000"],
  ])("but not %s", async (forwardTo) => {
    expect((await project({ forwardTo }).listen(DEFAULTS)).exitCode).toBe(2);
  });
});

describe("a project's own", () => {
  it.each([
    ["schema", { schema: "off" }],
    ["onInvalid", { onInvalid: "warn" }],
    ["allowUnsigned", { allowUnsigned: ["recruit"] }],
    ["allowZohoIps", { allowZohoIps: true }],
    ["products", { products: { forms: { auth: { header: "x-key" } } } }],
    ["tunnel.use", { tunnel: { use: "none" } }, ["--port", "0"]],
    ["tunnel.timeout", { tunnel: { timeout: "1m" } }],
    ["products.forms.format", { products: { forms: { format: "wire" } } }],
  ])("%s is reported", async (name, settings, argv = DEFAULTS) => {
    const { cwd, listen } = project(settings);
    const { exitCode, err } = await listen(argv);
    expect([exitCode, err]).toEqual([0, expect.stringMatching(`set by this project: ${name} (is wire )?in ${cwd}`)]);
  });
});

describe("tunnel.publicUrl of a project", () => {
  const publicUrl = "https://stranger.test";

  it.each([
    ["channels", "create", "Leads.create"],
    ["webhooks", "create", "--product", "books", "invoice.created"],
  ])("needs the user where the running listener has it: %s create", async (...command) => {
    const env = { ZOHO_CLIENT_ID: "1000.x", ZOHO_CLIENT_SECRET: "s", ZOHO_REFRESH_TOKEN: "1000.r" };
    const { cwd } = project({ tunnel: { publicUrl } });
    const log = await openLogAt({ root: cwd, store: ".zoho-hooks/events.db" }, { now: () => new Date() });
    const lock = await log.lock({ pid: process.pid, url: publicUrl, since: new Date() });
    const { exitCode, err } = await run(command, { cwd, env });
    if (lock.held) await lock.release();
    await log.close();
    expect([exitCode, err]).toEqual([2, expect.stringContaining("Zoho would post your records to it")]);
  });
});

describe("a host that looks like another", () => {
  /** The letter in the middle is Cyrillic. */
  const LOOK_ALIKE = "http://l\u043ecalhost:3000/hook";
  const SHOWN = "http://xn--lcalhost-nbh:3000/hook";

  it.each([
    [{ forwardTo: LOOK_ALIKE }, SHOWN],
    [{ forwardTo: ["3000", ` ${LOOK_ALIKE}`] }, SHOWN],
    [{ routes: { "crm:*": LOOK_ALIKE } }, `crm:*=${SHOWN}`],
  ])("is shown as what is connected to, in the question and the error: %j", async (settings, shown) => {
    const { listen } = project(settings);
    const { questions, prompts } = terminal(false);
    const { exitCode, err } = await listen(DEFAULTS, { prompts });
    expect([exitCode, questions]).toEqual([2, [expect.stringContaining(shown)]]);
    expect(err).toContain(shown);
    expect(err).not.toContain("\u043e");
  });

  it("is shown so in tunnel.publicUrl and ZOHO_WEBHOOK_JWKS", async () => {
    const publicUrl = "https://evil.example\\@hooks.test";
    const { listen } = project({ tunnel: { publicUrl } }, "ZOHO_WEBHOOK_JWKS=https://127.0.0.1:1\\@zoho.test/keys\n");
    const { err } = await listen(["--port", "0"]);
    expect(err).toContain("is https://evil.example/@hooks.test");
    expect(err).toContain("fetched from https://127.0.0.1:1/@zoho.test/keys");
  });
});

describe("tunnel.serverAddr of a project", () => {
  const settings = { tunnel: { use: "ngrok", serverAddr: "127.0.0.1:1" } };
  it("is taken with an authtoken of the same .env, which is reported", async () => {
    const env = "ZOHO_HOOKS_NGROK_SERVER_ADDR=127.0.0.1:1\nNGROK_AUTHTOKEN=token-of-the-project\n";
    const { cwd, listen } = project({ tunnel: { use: "ngrok" } }, env);
    const { err } = await listen(["--port", "0"], { overrides });
    expect(err).toContain(`NGROK_AUTHTOKEN is from ${join(cwd, ".env")}`);
    expect(err).toContain("no tunnel in this test");
  });

  it("needs the user in a config file, which a stranger may have made beside the user's .env", async () => {
    const { listen } = project(settings, "NGROK_AUTHTOKEN=token-of-the-user\n");
    const { exitCode, err } = await listen(["--port", "0"], { overrides });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("it would send your ngrok authtoken")]);
  });

  it.skipIf(process.platform !== "linux")("is reported where it is in a user's folder that came with it", async () => {
    const { cwd, listen } = project({ tunnel: { use: "ngrok" } });
    mkdirSync(join(cwd, "home/ngrok"), { recursive: true });
    writeFileSync(join(cwd, "home/ngrok/ngrok.yml"), "authtoken: token-of-the-project\n");
    const { err } = await listen(["--port", "0"], { overrides, env: { XDG_CONFIG_HOME: join(cwd, "home") } });
    expect(err).toContain(`ngrok's authtoken is from ${join(cwd, "home/ngrok/ngrok.yml")}`);
  });
});

describe("a variable that only the environment may set", () => {
  it.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY"])("is ignored in the .env, and reported: %s", async (name) => {
    let connections = 0;
    const proxy = createServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const send = ["send", "crm", "Leads.create", "--to", "http://app.invalid/hook"];
    const { cwd } = project({}, `${name}=${url}\n`);
    const { err } = await run(send, { cwd });
    expect([connections, err]).toEqual([0, expect.stringContaining(`${name} in ${join(cwd, ".env")}: ignored`)]);
    const given = await run(send, { cwd, env: { [name]: url } });
    expect(given.err).not.toContain("ignored");
    expect(connections).toBeGreaterThan(0);
    proxy.close();
  });

  it("is ignored in the .env, and reported: EDITOR", async () => {
    const { cwd } = project({}, "EDITOR=touch\n");
    const log = await openLogAt({ root: cwd, store: ".zoho-hooks/events.db" }, { now: () => new Date() });
    await log.append(newEntry());
    await log.close();
    const { exitCode, err } = await run(["replay", "last", "--to", "1", "--edit"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`EDITOR in ${join(cwd, ".env")}: ignored`);
    expect(err).toContain("neither VISUAL nor EDITOR is set");
  });

  it("is ignored in the .env, and reported: ZOHO_KEYRING", async () => {
    const { cwd } = project({}, "ZOHO_KEYRING=off\n");
    const { err } = await run(["whoami"], { cwd });
    expect(err).toContain(`ZOHO_KEYRING in ${join(cwd, ".env")}: ignored`);
  });
});

describe("secrets of a project's .env", () => {
  it.skipIf(process.platform === "win32").each(["../other.pem", "link.pem"])(
    "are not read from a file outside the project: %s",
    async (name) => {
      const { cwd } = project({}, `ZOHO_WEBHOOK_PUBLIC_KEY=${name}\n`);
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      writeFileSync(join(cwd, "../other.pem"), publicKey.export({ type: "spki", format: "pem" }));
      symlinkSync("../other.pem", join(cwd, "link.pem"));
      const verify = (env = {}) => run(["verify", "-"], { cwd, env, stdin: "{}" });
      const { exitCode, err } = await verify();
      expect([exitCode, err]).toEqual([2, expect.stringContaining("outside the project or behind a link")]);
      expect((await verify({ ZOHO_WEBHOOK_PUBLIC_KEY: name })).err).not.toContain("outside the project");
      expect((await run(["products"], { cwd })).exitCode).toBe(0);
    },
  );

  it("are refused by their path, whether or not there is such a file", async () => {
    const { cwd } = project({}, "ZOHO_WEBHOOK_PUBLIC_KEY=../no-such-file\n");
    const { exitCode, err } = await run(["verify", "-"], { cwd, stdin: "{}" });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("outside the project or behind a link")]);
  });

  it.each(["", "\x01", "\u00a0"])("report a URL of public keys, also after %j", async (before) => {
    const { cwd, listen } = project({}, `ZOHO_WEBHOOK_JWKS=${before}https://127.0.0.1:1/keys\n`);
    const { exitCode, err } = await listen();
    expect([exitCode, err]).toEqual([
      6,
      expect.stringContaining(`ZOHO_WEBHOOK_JWKS in ${join(cwd, ".env")}: public keys`),
    ]);
  });
});

describe("a fixture of a project", () => {
  // Making links takes a privilege on Windows.
  it.skipIf(process.platform === "win32")("is not read through a link", async () => {
    const { cwd } = project({});
    writeFileSync(join(cwd, "../private.json"), '{"private":true}');
    mkdirSync(join(cwd, ".zoho-hooks/fixtures/crm/wire"), { recursive: true });
    symlinkSync(join(cwd, "../private.json"), join(cwd, ".zoho-hooks/fixtures/crm/wire/Leads.create.json"));
    const { exitCode, out, err } = await run(["send", "crm", "Leads.create", "--dry-run"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("Leads.create.json is behind a link")]);
    expect(out).not.toContain("private");
  });
});

describe("a folder of the project in place of the user's own", () => {
  it.each([".config", "../.config"])("decides no more than the project, and remembers no yes: %s", async (name) => {
    const { cwd, listen } = project({});
    // The project may be a folder of the clone.
    mkdirSync(join(cwd, "../.git"));
    const folder = join(cwd, name, "zoho-hooks");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), JSON.stringify({ forwardTo: APP }));
    const env = { XDG_CONFIG_HOME: join(cwd, name) };
    const { exitCode, err } = await listen(DEFAULTS, { env });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`forwardTo in ${join(folder, "config.json")} is`)]);
    const { questions, prompts } = terminal(true);
    for (const asked of [1, 2]) {
      expect((await listen(DEFAULTS, { env, prompts })).exitCode).toBe(0);
      expect(questions).toHaveLength(asked);
    }
    expect(readdirSync(folder)).toEqual(["config.json"]);
  });

  it("brings no yes with it", async () => {
    const { cwd, listen, approvals } = project({ forwardTo: APP });
    expect((await listen(DEFAULTS, { prompts: terminal(true).prompts })).exitCode).toBe(0);
    expect((await listen()).exitCode).toBe(0);
    cpSync(join(approvals, ".."), join(cwd, ".config/zoho-hooks"), { recursive: true });
    expect((await listen(DEFAULTS, { env: { XDG_CONFIG_HOME: join(cwd, ".config") } })).exitCode).toBe(2);
  });
});

describe("code of a project", () => {
  const code = `import { z } from "zod"; export default z.looseObject({ n: z.number() });`;
  const settings = { products: { forms: { schema: "schemas/forms.mjs" } } };

  it("is reported when it is first run, and not run by commands that need no schema", async () => {
    const cwd = projectWithZod({ [CONFIG_FILE]: JSON.stringify(settings), "schemas/forms.mjs": code });
    const path = join(cwd, "schemas/forms.mjs");
    const env = { XDG_CONFIG_HOME: tempFolder() };
    const reports = async (...argv: string[]) => {
      const { err, out } = await run(argv, { cwd, env, stdin: "{}" });
      return (err + out).includes(`runs ${path}`);
    };
    for (const argv of [
      ["config", "show"],
      ["events", "list"],
      ["completion", "words", "--", "send", ""],
      ["doctor"],
      ["check", "1", "--product", "forms", "--only", "reachability.port"],
    ])
      expect([argv, await reports(...argv)]).toEqual([argv, false]);
    for (const argv of [
      ["send", "forms", "--dry-run", "--all"],
      ["verify", "-"],
      ["replay", "1"],
      ["types", "forms"],
      ["products"],
      ["fixtures", "list"],
      ["events", "drift"],
      [...LISTEN, ...DEFAULTS],
    ]) {
      rmSync(env.XDG_CONFIG_HOME, { recursive: true, force: true });
      expect([argv, await reports(...argv)]).toEqual([argv, true]);
      expect([argv, await reports(...argv)]).toEqual([argv, false]);
    }
  });

  // Windows has no such file names.
  it.skipIf(process.platform === "win32")("is reported on one line, with its folder", async () => {
    const folder = join(tempFolder(), "a\nwarning: b");
    mkdirSync(folder);
    writeFileSync(join(folder, CONFIG_FILE), JSON.stringify({ host: "0.0.0.0", schema: "off" }));
    for (const argv of [DEFAULTS, [...DEFAULTS, "--host", "127.0.0.1"]])
      expect((await run([...LISTEN, ...argv], { cwd: folder })).err).toContain(`a warning: b/${CONFIG_FILE}`);
  });

  // Making links takes a privilege on Windows.
  it.skipIf(process.platform === "win32").each([
    ["product.json", "product.json"],
    ["fixtures", ""],
    ["fixtures/order.paid.json", "order.paid.json"],
    ["schemas/order.paid.json", "order.paid.json"],
    ["schemas/order.paid.mjs", "order.paid.json"],
    ["schemas.mjs", "order.paid.json"],
  ])("is refused where %s is a link out of the project, and taken from within", async (name, target) => {
    const cwd = shopProject();
    const outside = tempFolder();
    for (const file of ["product.json", "order.paid.json"]) writeFileSync(join(outside, file), "{}");
    const path = join(cwd, "webhooks/shop", name);
    rmSync(path, { recursive: true, force: true });
    symlinkSync(join(outside, target), path);
    for (const argv of [["products"], ["send", "shop", "--all", "--dry-run"], ["verify", "-"]]) {
      const { exitCode, err } = await run(argv, { cwd, stdin: "{}" });
      expect([exitCode, err]).toEqual([2, expect.stringContaining("is a link out of the project")]);
    }
    rmSync(path);
    cpSync(outside, join(cwd, "shared"), { recursive: true });
    symlinkSync(join(cwd, "shared", target), path);
    expect((await run(["products"], { cwd })).err).not.toContain("is a link");
  });

  it.skipIf(process.platform === "win32")("is refused where a link leads out of the repository around it", async () => {
    const repository = shopProject();
    const cwd = join(repository, "app");
    mkdirSync(join(repository, ".git"));
    mkdirSync(cwd);
    writeFileSync(join(cwd, CONFIG_FILE), JSON.stringify({ products: { shop: { path: "../webhooks/shop" } } }));
    const options = { cwd, env: { XDG_CONFIG_HOME: tempFolder() }, prompts: terminal(true).prompts };
    expect((await run(["products"], options)).exitCode).toBe(0);
    const sample = join(repository, "webhooks/shop/fixtures/order.paid.json");
    rmSync(sample);
    symlinkSync(join(tempFolder(), "private.json"), sample);
    const { exitCode, err } = await run(["products"], options);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`${sample} is a link out of the project`)]);
  });

  it.skipIf(process.platform === "win32")("is refused where a link leads out of a folder behind a link", async () => {
    const cwd = shopProject({ [CONFIG_FILE]: JSON.stringify({ products: { shop: { path: "linked" } } }) });
    symlinkSync("webhooks/shop", join(cwd, "linked"));
    const options = { cwd, env: { XDG_CONFIG_HOME: tempFolder() }, prompts: terminal(true).prompts };
    expect((await run(["products"], options)).exitCode).toBe(0);
    symlinkSync(join(tempFolder(), "private.json"), join(cwd, "webhooks/shop/fixtures/order.sent.json"));
    const { exitCode, err } = await run(["products"], options);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("order.sent.json is a link out of the project")]);
  });

  it.skipIf(process.platform === "win32")("is refused where an event's name leads to a link", async () => {
    const about = { ...JSON.parse(SHOP["webhooks/shop/product.json"]), events: { "a/b": "An event in a folder" } };
    const cwd = shopProject({ "webhooks/shop/product.json": JSON.stringify(about) });
    const outside = tempFolder();
    writeFileSync(join(outside, "secret.json"), '{"private":true}');
    mkdirSync(join(cwd, "webhooks/shop/fixtures/a"));
    symlinkSync(join(outside, "secret.json"), join(cwd, "webhooks/shop/fixtures/a/b.json"));
    const { exitCode, out, err } = await run(["fixtures", "show", "shop", "a/b"], { cwd });
    expect([exitCode, out, err]).toEqual([2, "", expect.stringContaining("b.json is behind a link")]);
  });

  it.runIf(process.getuid?.() === 0).each([
    ["webhooks", "shop"],
    ["webhooks/shop", "shop"],
    ["webhooks/shop/fixtures/order.paid.json", "shop"],
    ["webhooks/shop/schemas", "shop"],
    ["webhooks/node_modules", "shop"],
    ["forms.json", "forms"],
  ])("is refused where it is another user's, above the working folder: %s", async (name, id) => {
    const { shop } = JSON.parse(SHOP[CONFIG_FILE]).products;
    const products = id === "shop" ? { shop } : { forms: { schema: "forms.json" } };
    const shared = shopProject({ [CONFIG_FILE]: JSON.stringify({ products }), "forms.json": "{}" });
    for (const folder of ["own", "webhooks/node_modules"]) mkdirSync(join(shared, folder));
    const cwd = join(shared, "own");
    const words = async () => (await run(["completion", "words", "--", "send", ""], { cwd })).out;
    expect((await run(["products"], { cwd })).exitCode).toBe(0);
    expect((await words()).includes("shop")).toBe(id === "shop");
    chownSync(join(shared, name), 65_534, 65_534);
    for (const argv of [["products"], ["types"], ["verify", "-"]]) {
      const { exitCode, err } = await run(argv, { cwd, stdin: "{}" });
      expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(shared, name)} belongs to another user`)]);
    }
    expect(await words()).not.toContain("shop");
    // The working folder's own project may be anybody's.
    expect((await run(["products"], { cwd: shared })).exitCode).toBe(0);
  });

  it("is not read outside the project by what does not ask, until the user has said yes", async () => {
    const { cwd } = project({ products: { crm: {}, shop: { path: "../other" } } });
    mkdirSync(join(cwd, "../other/fixtures"), { recursive: true });
    writeFileSync(join(cwd, "../other/fixtures/paid.json"), "{}");
    const env = { XDG_CONFIG_HOME: join(cwd, "../home") };
    const words = async () => (await run(["completion", "words", "--", "send", "shop", ""], { cwd, env })).out;
    const init = (name: string) => run(["init", "--yes", "--products", name, "--force"], { cwd, env });
    expect(await words()).not.toContain("paid");
    expect((await init("shop")).err).toContain('no product "shop"');
    expect((await run(["products"], { cwd, env, ...terminal(true) })).exitCode).toBe(0);
    expect(await words()).toContain("paid");
    expect((await init("shop")).exitCode).toBe(0);
  });

  it.each([
    ["a schema", { forms: { schema: "../other/forms.json" } }],
    ["a product", { shop: { path: "../other" } }],
  ])("needs the user outside the project: %s", async (_, products) => {
    const { cwd } = project({ products });
    mkdirSync(join(cwd, "../other/fixtures"), { recursive: true });
    for (const file of ["fixtures/paid.json", "forms.json"]) writeFileSync(join(cwd, "../other", file), "{}");
    for (const argv of [["products"], ["types"], ["config", "show"]]) {
      const { exitCode, err } = await run(argv, { cwd });
      expect([exitCode, err]).toEqual([2, expect.stringContaining("would be used from outside the project")]);
      expect(err).toContain("copy it into the project");
    }
    expect((await run(["products"], { cwd, ...terminal(false) })).exitCode).toBe(2);
    const env = { XDG_CONFIG_HOME: tempFolder() };
    expect((await run(["products"], { cwd, env, ...terminal(true) })).exitCode).toBe(0);
    expect((await run(["types"], { cwd, env })).exitCode).toBe(0);
  });
});

describe("the host of a project", () => {
  const SENT = 5;
  const commands: readonly (readonly [argv: readonly string[], ok: number])[] = [
    [["send", "crm", "Leads.create"], SENT],
    [["send", "crm", "Leads.create", "--to", "/hook"], SENT],
    [["send", "crm", "Leads.create", "--curl"], 0],
    [["check", "/hook", "--yes", "--only", "reachability.name"], 8],
  ];

  it.each(commands)("needs the user before %j sends to it", async (argv, ok) => {
    const { cwd } = project({ host: "app.invalid" });
    const inProject = (options: RunOptions = {}) =>
      run(argv, { cwd, ...options, env: { XDG_CONFIG_HOME: join(cwd, "../home"), ...options.env } });
    const { exitCode, err } = await inProject();
    expect([exitCode, err]).toEqual([2, expect.stringContaining("host in")]);
    expect(err).toContain("is app.invalid: deliveries, with their tokens and signatures, would leave this machine");
    expect((await inProject({ env: { ZOHO_HOOKS_HOST: "app.invalid" } })).exitCode).toBe(ok);
    expect((await inProject(terminal(false))).exitCode).toBe(2);
    expect((await inProject(terminal(true))).exitCode).toBe(ok);
    expect((await inProject()).exitCode).toBe(ok);
    expect((await inProject({ env: { ZOHO_HOOKS_PORT: "9999" } })).exitCode).toBe(2);
  });

  it("is not asked about where it leads to this machine, or is not sent to", async () => {
    const local = project({ host: "0.0.0.0", port: 1 });
    expect((await run(["send", "crm", "Leads.create"], { cwd: local.cwd })).exitCode).toBe(SENT);
    const { cwd } = project({ host: "app.invalid" });
    expect((await run(["send", "crm", "Leads.create", "--to", "1"], { cwd })).exitCode).toBe(SENT);
    expect((await run(["send", "crm", "Leads.create", "--dry-run"], { cwd })).exitCode).toBe(0);
  });
});

describe("the target of a delivery in a project's log", () => {
  const LOGGED = "http://app.invalid/hook";
  const SENT = 5;
  const replay = ["replay", "last"];

  async function projectWithLog(settings: object = {}, target = LOGGED) {
    const { cwd } = project(settings);
    const log = await openLogAt({ root: cwd, store: ".zoho-hooks/events.db" }, { now: () => new Date() });
    await log.append(newEntry({ forward: { targets: [target] } }));
    await log.close();
    const env = { XDG_CONFIG_HOME: join(cwd, "../home") };
    const inProject = (argv: readonly string[], options: RunOptions = {}) =>
      run(argv, { cwd, ...options, env: { ...env, ...options.env } });
    return Object.assign(inProject, { cwd });
  }

  it("needs the user before replay sends to it", async () => {
    const run = await projectWithLog();
    const { exitCode, err } = await run(replay);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`names the target ${LOGGED}`)]);
    expect(err).toContain("--to");
    expect((await run([...replay, "--dry-run"])).exitCode).toBe(0);
    expect((await run([...replay, "--to", LOGGED])).exitCode).toBe(SENT);
    const no = terminal(false);
    expect((await run(replay, no)).exitCode).toBe(2);
    expect(no.questions).toHaveLength(1);
    const { questions, prompts } = terminal(true);
    expect((await run(replay, { prompts })).exitCode).toBe(SENT);
    expect(questions).toEqual([expect.stringContaining(LOGGED)]);
    expect((await run(replay)).exitCode).toBe(SENT);
  });

  it("needs the user where the project's log is a link, too", async () => {
    const inProject = await projectWithLog();
    const [log, outside] = [join(inProject.cwd, ".zoho-hooks/events.db"), join(inProject.cwd, "../events.db")];
    renameSync(log, outside);
    symlinkSync(outside, log);
    expect((await inProject(["events", "list"])).err).toContain(`${log} is a link to ${outside}`);
    expect((await inProject(["events", "list"], terminal(true))).exitCode).toBe(0);
    const { exitCode, err } = await inProject(replay);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`names the target ${LOGGED}`)]);
  });

  it("is not that of the host of a project in a command to copy", async () => {
    const inProject = await projectWithLog({ host: "app.invalid" });
    const toCurl = ["events", "export", "--format", "curl"];
    expect((await inProject(toCurl)).err).toContain("host in");
    for (const argv of [
      [...toCurl, "--to", "3000"],
      ["events", "export"],
    ])
      expect((await inProject(argv)).exitCode).toBe(0);
    expect((await inProject(toCurl, terminal(true))).out).toContain("http://app.invalid:4460/");
  });

  it("is shown with the host that is connected to", async () => {
    const { err } = await (await projectWithLog({}, "http://evil.example\\@localhost:3000/hook"))(replay);
    expect(err).toContain("names the target http://evil.example/@localhost:3000/hook");
  });

  it("is taken where the environment names it, or the log is the user's", async () => {
    const run = await projectWithLog();
    expect((await run(replay, { env: { ZOHO_HOOKS_FORWARD_TO: LOGGED } })).exitCode).toBe(SENT);
    const outside = project({});
    renameSync(join(run.cwd, ".zoho-hooks"), join(outside.cwd, "../logs"));
    const argv = [...replay, "--store", join(outside.cwd, "../logs/events.db")];
    expect((await run(argv)).exitCode).toBe(SENT);
    // Now both have come with a clone.
    mkdirSync(join(outside.cwd, "../.git"));
    const { exitCode, err } = await run(argv, { cwd: outside.cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`names the target ${LOGGED}`)]);
  });

  it("waits, and is counted before listen sends to a target of this run", async () => {
    const run = await projectWithLog();
    const argv = [...LISTEN, ...DEFAULTS];
    expect((await run(argv)).err).toContain(`1 delivery waits for ${LOGGED}, which this run does not forward to`);
    const { err } = await run([...argv, "--forward-to", LOGGED]);
    expect(err).toMatch(/1 delivery from an earlier run is being sent now.*Ready\./s);
  });

  it("needs the user where the project names it, too", async () => {
    const run = await projectWithLog({ forwardTo: LOGGED });
    const { exitCode, err } = await run(replay);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`forwardTo in`)]);
  });
});

describe("a question", () => {
  it("is not asked by a command that does not use the setting", async () => {
    const { cwd } = project({ host: "0.0.0.0", forwardTo: APP, insecure: true });
    for (const argv of [
      ["products"],
      ["config", "show"],
      ["events", "list"],
      ["send", "crm", "Leads.create", "--dry-run"],
    ])
      expect((await run(argv, { cwd })).err).not.toContain("a project does not decide");
  });
});
