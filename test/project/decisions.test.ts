import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decisionsOf, decisionText } from "../../src/project/decisions.ts";
import { defaults, environmentName, type Settings } from "../../src/project/settings.ts";
import { VARIABLES, type VariableName } from "../../src/project/variables.ts";
import { SHOP } from "../support/own-product.ts";
import { foreignFolder, newPerson, schemaModule } from "../support/person.ts";
import { tempFolder } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;

type InFile = Readonly<Record<string, unknown>>;

interface SettingRow {
  /** In the config file, and as the variable of `.env`. */
  readonly harmless: readonly (readonly [file: InFile, variable?: string])[];
  readonly reaching?: readonly (readonly [file: InFile, variable: string | undefined, decision: string])[];
  /** A command whose flag replaces the setting. */
  readonly flag?: readonly string[];
  /** What the user's environment has where it reaches further. */
  readonly env?: Readonly<Record<string, string>>;
}

const APP = "http://app:3000/hooks";
const DATABASE = "postgres://geheim:geheim@db.example/hooks?host=evil.example&sslpassword=geheim&application_name=a";
/** A log that is not this folder's alone. */
const OWN_LOG = { ZOHO_HOOKS_STORE: "/srv/zoho-hooks/events.db" };

const SETTINGS: { readonly [Key in keyof Settings]: SettingRow } = {
  forwardTo: {
    harmless: [
      [{ forwardTo: 3000 }, "3000"],
      [{ forwardTo: ["http://localhost:3000/a", "/b", "127.9.9.9:1"] }, "http://[::1]:3000"],
    ],
    reaching: [[{ forwardTo: APP }, APP, "forwardTo http://app:3000"]],
    flag: ["listen", "3000", "--port", "0"],
  },
  routes: {
    harmless: [[{ routes: { "crm:Deals.*": 3000 } }, "crm:Deals.*=3000"]],
    reaching: [[{ routes: { "crm:Deals.*": APP } }, `crm:Deals.*=${APP}`, "routes http://app:3000"]],
    flag: ["listen", "--route", "crm:Deals.*=3000", "--port", "0"],
  },
  paths: {
    harmless: [[{ paths: { "/hooks/crm": "crm", "/*": "auto" } }, "/hooks/crm=crm,/*=auto"]],
  },
  register: {
    harmless: [[{ register: [] }, ""]],
    reaching: [
      [{ register: ["desk:Ticket_Add,sign:*"] }, "desk:Ticket_Add", "register desk:Ticket_Add"],
      [{ register: ["desk:*", "crm:Leads.all"] }, "desk:*,crm:Leads.all", "register crm:Leads.all"],
    ],
    flag: ["listen", "--register", "", "--port", "0"],
  },
  host: {
    harmless: [
      [{ host: "127.0.0.1" }, "::1"],
      [{ host: "localhost" }, "localhost"],
    ],
    reaching: [
      [{ host: "0.0.0.0" }, "0.0.0.0", "host 0.0.0.0"],
      [{ host: "::" }, "::", "host ::"],
      [{ host: "app.localhost" }, "app.localhost", "host app.localhost"],
    ],
    flag: ["listen", "--host", "127.0.0.1", "--port", "0"],
  },
  insecure: {
    harmless: [[{ insecure: false }, "false"]],
    reaching: [[{ insecure: true }, "true", "insecure true"]],
  },
  store: {
    harmless: [
      [{ store: false }, "false"],
      [{ store: "log/events.db" }, "log/events.db"],
    ],
    reaching: [
      [{ store: "../x/events.db" }, "../x/events.db", "store ../x/events.db"],
      [{ store: "/srv/events.db" }, "/srv/events.db", "store /srv/events.db"],
      [{ store: DATABASE }, DATABASE, "store postgres://db.example/hooks"],
      [{ store: DATABASE }, DATABASE, "store host=evil.example"],
      [{ store: DATABASE }, DATABASE, "store application_name=a"],
    ],
    flag: ["store", "status", "--store", ".zoho-hooks/events.db"],
  },
  publicUrl: {
    harmless: [],
    reaching: [
      [
        { tunnel: { publicUrl: "https://hooks.example.com/" } },
        "https://hooks.example.com/",
        "publicUrl https://hooks.example.com/",
      ],
    ],
    flag: ["listen", "--tunnel", "none", "--port", "0"],
  },
  ngrokServerAddr: {
    harmless: [],
    reaching: [[{ tunnel: { serverAddr: "t.example:443" } }, "t.example:443", "ngrokServerAddr t.example:443"]],
    flag: ["listen", "--tunnel", "none", "--port", "0"],
  },
  ngrokRootCas: {
    harmless: [],
    reaching: [[{ tunnel: { rootCas: "cas.pem" } }, "cas.pem", "ngrokRootCas cas.pem"]],
    flag: ["listen", "--tunnel", "none", "--port", "0"],
  },
  products: {
    harmless: [
      [{ products: { crm: { format: "wire" }, shop: { path: "webhooks/shop" }, forms: { schema: "schema.json" } } }],
    ],
    reaching: [
      [{ products: { shop: { path: "../shop" } } }, undefined, "products ../shop"],
      [{ products: { forms: { schema: "../schema.json" } } }, undefined, "products ../schema.json"],
      [{ products: { forms: { schema: "schema.mjs" } } }, undefined, "code schema.mjs"],
    ],
  },
  tunnel: {
    harmless: [
      [{ tunnel: { use: "none" } }, "none"],
      [{ tunnel: { use: "ngrok" } }, "ngrok"],
    ],
    reaching: [[{ tunnel: { use: "cloudflared" } }, "cloudflared", "tunnel cloudflared"]],
    flag: ["listen", "--tunnel", "none", "--port", "0"],
  },
  domain: { harmless: [[{ tunnel: { domain: "a.ngrok.app" } }, "a.ngrok.app"]] },
  tunnelTimeout: { harmless: [[{ tunnel: { timeout: "1m" } }, "1m"]] },
  port: { harmless: [[{ port: 5005 }, "5005"]] },
  maxBody: { harmless: [[{ maxBody: "1mib" }, "1mib"]] },
  schema: { harmless: [[{ schema: "off" }, "off"]] },
  onInvalid: { harmless: [[{ onInvalid: "warn" }, "warn"]] },
  tolerance: { harmless: [[{ tolerance: "1h" }, "1h"]] },
  events: { harmless: [[{ events: ["crm:*"] }, "crm:*"]] },
  allowIp: { harmless: [[{ allowIp: ["10.0.0.0/8"] }, "10.0.0.0/8"]] },
  allowUnsigned: { harmless: [[{ allowUnsigned: ["crm"] }, "crm"]] },
  respond: { harmless: [[{ respond: "mirror" }, "mirror"]] },
  retries: { harmless: [[{ retries: 0 }, "0"]] },
  retryBase: { harmless: [[{ retryBase: "1s" }, "1s"]] },
  concurrency: { harmless: [[{ concurrency: 1 }, "1"]] },
  forwardTimeout: { harmless: [[{ forwardTimeout: "5s" }, "5s"]] },
  keep: {
    harmless: [[{ keep: "1h" }, "1h"]],
    reaching: [[{ keep: "1s" }, "1s", "keep 1000 ms"]],
    flag: ["events", "prune", "--keep", "1h"],
    env: OWN_LOG,
  },
  maxLog: {
    harmless: [[{ maxLog: "10mb" }, "10mb"]],
    reaching: [[{ maxLog: "10mb" }, "10mb", "maxLog 10000000 bytes"]],
    flag: ["events", "prune", "--max-log", "1gb"],
    env: { ZOHO_HOOKS_STORE: "postgres://db.example/hooks" },
  },
};

/** A value of each variable, and its decision. */
const IN_ENV: Readonly<Record<VariableName, readonly [value: string, decision: string]>> = {
  NGROK_AUTHTOKEN: ["2abc_geheim", "tunnel NGROK_AUTHTOKEN"],
  CLOUDFLARED_PATH: ["./cloudflared", "program CLOUDFLARED_PATH=./cloudflared"],
  ZOHO_CLIENT_ID: ["1000.X", "account ZOHO_CLIENT_ID=1000.X"],
  ZOHO_CLIENT_SECRET: ["geheim", "account ZOHO_CLIENT_SECRET"],
  ZOHO_REFRESH_TOKEN: ["1000.geheim", "account ZOHO_REFRESH_TOKEN"],
  ZOHO_ACCESS_TOKEN: ["1000.geheim", "account ZOHO_ACCESS_TOKEN"],
  ZOHO_DC: ["eu", "account ZOHO_DC=eu"],
  ZOHO_ENVIRONMENT: ["sandbox", "account ZOHO_ENVIRONMENT=sandbox"],
  ZOHO_PROFILE: ["acme", "account ZOHO_PROFILE=acme"],
  ZOHO_ACCOUNTS_URL: ["http://127.0.0.1:1/", "account ZOHO_ACCOUNTS_URL=http://127.0.0.1:1/"],
  ZOHO_API_URL: ["http://127.0.0.1:1/", "account ZOHO_API_URL=http://127.0.0.1:1/"],
  http_proxy: ["http://p:1/", "proxy http_proxy=http://p:1/"],
  https_proxy: ["http://p:1/", "proxy https_proxy=http://p:1/"],
  all_proxy: ["http://p:1/", "proxy all_proxy=http://p:1/"],
  no_proxy: ["*", "proxy no_proxy=*"],
  HTTP_PROXY: ["http://u:geheim@p:1/", "proxy HTTP_PROXY=http://[masked]@p:1/"],
  HTTPS_PROXY: ["http://p:1/", "proxy HTTPS_PROXY=http://p:1/"],
  ALL_PROXY: ["http://p:1/", "proxy ALL_PROXY=http://p:1/"],
  NO_PROXY: ["*", "proxy NO_PROXY=*"],
  // Whole: what looks like a secret may be a command.
  EDITOR: ["./edit ?token=abc", "program EDITOR=./edit ?token=abc"],
  VISUAL: ["./edit", "program VISUAL=./edit"],
};

/** What a folder of a stranger has. */
interface Attack {
  readonly files: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  /** As it is shown and remembered; of a link, how that begins. */
  readonly decision: string;
  readonly flag?: readonly string[] | undefined;
  /** In the environment, a harmless value for the same. */
  readonly variable?: Readonly<Record<string, string>>;
  /** What the user's environment has. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Files that settings of the rows above name. */
const MODULE = schemaModule(join(tempFolder(), "ran"));
const MODULE_OF_EVENTS = schemaModule(join(tempFolder(), "ran"), ["order.sent"]);
const { [CONFIG]: _, ...OTHERS } = { ...SHOP, "schema.json": "{}", "schema.mjs": MODULE };

const ofSettings: readonly Attack[] = Object.entries(SETTINGS).flatMap(([key, row]) => {
  const { harmless, reaching = [], flag, env } = row;
  const name = environmentName(key);
  const [[, value = ""] = [{}]] = harmless;
  const variable = value === "" ? {} : { [name]: value };
  return reaching.flatMap(([file, text, decision]): Attack[] => [
    { files: { ...OTHERS, [CONFIG]: JSON.stringify(file) }, decision, flag, variable, env },
    ...(text === undefined ? [] : [{ files: { ".env": `${name}='${text}'\n` }, decision, flag, variable, env }]),
  ]);
});

const ofVariables: readonly Attack[] = Object.entries(IN_ENV).map(([name, [value, decision]]) => ({
  files: { ".env": `${name}=${value}\n` },
  decision,
  variable: { [name]: "own" },
}));

const inConfig = (config: object): Attack["files"] => ({ ...OTHERS, [CONFIG]: JSON.stringify(config) });
const outside = foreignFolder({
  "k.pem": "k",
  "c.json": "{}",
  env: "A=1\n",
  "folder/.keep": "",
  "code/schemas.mjs": "",
});

const ofFiles: readonly Attack[] = [
  // Code in the folder of a product, as the loader finds it.
  ...Object.entries({
    "schemas/order.paid.mjs": MODULE,
    "schemas/order.sent.ts": MODULE,
    "schemas.js": MODULE_OF_EVENTS,
    "schemas.mts": MODULE_OF_EVENTS,
  }).map(([name, module]) => ({
    files: { ...inConfig({ products: { shop: { path: "webhooks/shop" } } }), [`webhooks/shop/${name}`]: module },
    decision: `code webhooks/shop/${name}`,
  })),
  ...["ZOHO_WEBHOOK_PUBLIC_KEY", "ZOHO_WEBHOOK_PRIVATE_KEY_DESK", "ZOHO_WEBHOOK_JWKS"].map((name) => ({
    files: { ".env": `${name}=../../keys/p.pem\n` },
    decision: `key ${name}=../../keys/p.pem`,
  })),
  {
    files: { ".env": "ZOHO_WEBHOOK_JWKS=https://keys.example.com/jwks\n" },
    decision: "key ZOHO_WEBHOOK_JWKS=https://keys.example.com/jwks",
  },
  {
    files: { ".env": "ZOHO_WEBHOOK_PRIVATE_KEY=k/p.pem\n" },
    links: { k: outside },
    decision: "key ZOHO_WEBHOOK_PRIVATE_KEY=k/p.pem → ",
  },
  { files: inConfig({ store: "log/e.db" }), links: { log: outside }, decision: "store log/e.db → " },
  { files: {}, links: { [CONFIG]: join(outside, "c.json") }, decision: `link ${CONFIG} → ` },
  { files: {}, links: { ".env": join(outside, "env") }, decision: "link .env → " },
  { files: {}, links: { ".zoho-hooks": join(outside, "folder") }, decision: "link .zoho-hooks → " },
  { files: {}, links: { ".zoho-hooks/fixtures": join(outside, "folder") }, decision: "link .zoho-hooks/fixtures → " },
  { files: {}, links: { ".zoho-hooks/events.db": join(outside, "new.db") }, decision: "link .zoho-hooks/events.db → " },
  ...["", "-journal", "-wal", "-lock"].map((end) => ({
    files: { [`.zoho-hooks/events.db${end}`]: "" },
    decision: "existing log .zoho-hooks/events.db",
  })),
  { files: { ".zoho-hooks/keys/private.pem": "" }, decision: "existing keys .zoho-hooks/keys" },
  { files: { ...inConfig({ store: "log.db" }), "log.db": "" }, decision: "existing log log.db" },
  { files: { ".env": "ZOHO_HOOKS_STORE=log/../log.db\n", "log.db-wal": "" }, decision: "existing log log.db" },
  { files: { "own.db": "" }, env: { ZOHO_HOOKS_STORE: "own.db" }, decision: "existing log own.db" },
  {
    files: { ...inConfig({ store: false }), "own.db-lock": "" },
    env: { ZOHO_HOOKS_STORE: "./own.db" },
    decision: "existing log own.db",
  },
];

/** Only who may do so makes links on Windows. */
const isPossible = ({ links }: Attack): boolean => links === undefined || process.platform !== "win32";

const attacks = [...ofSettings, ...ofVariables, ...ofFiles]
  .filter(isPossible)
  .map(
    (attack) => [`${attack.decision} (${Object.keys({ ...attack.links, ...attack.files }).at(-1)})`, attack] as const,
  );

function newFolder({ files, links }: Attack): string {
  const parent = foreignFolder({ "shop/fixtures/order.paid.json": "{}", "schema.json": "{}" });
  mkdirSync(join(parent, "clone"));
  return foreignFolder(files, { links: links ?? {}, folder: join(parent, "clone") });
}

describe("the tables of decisions", () => {
  it("have all settings and variables, and a harmless value or a decision of each", () => {
    expect(Object.keys(SETTINGS).toSorted()).toEqual(Object.keys(defaults).toSorted());
    expect(Object.keys(IN_ENV).toSorted()).toEqual(Object.keys(VARIABLES).toSorted());
    for (const { harmless, reaching = [] } of Object.values(SETTINGS))
      expect(harmless.length + reaching.length).toBeGreaterThan(0);
  });
});

describe("what stays on this machine is used without a word:", () => {
  it.each(
    Object.entries(SETTINGS).flatMap(([key, { harmless }]) =>
      harmless.flatMap(([file, variable]) => [
        { key, files: inConfig(file) },
        ...(variable === undefined ? [] : [{ key, files: { ".env": `${environmentName(key)}=${variable}\n` } }]),
      ]),
    ),
  )("$key $files", async ({ files }) => {
    const person = newPerson();
    const { exitCode, err, questions } = await person.run(COMMAND, {
      cwd: newFolder({ files, decision: "" }),
      says: false,
    });
    expect([exitCode, err, questions]).toEqual([0, "", 0]);
    expect(person.trusted()).toEqual({});
  });

  it.each([
    "ZOHO_WEBHOOK_SECRET=s\nZOHO_WEBHOOK_TOKEN=t\nZOHO_WEBHOOK_AUTH=a\nZOHO_WEBHOOK_HOOK_SECRET=h",
    "ZOHO_WEBHOOK_PRIVATE_KEY=keys/p.pem\nZOHO_WEBHOOK_JWKS=./jwks.json",
    'ZOHO_WEBHOOK_PUBLIC_KEY="-----BEGIN PUBLIC KEY-----\n../..\n-----END PUBLIC KEY-----"',
    "DATABASE_URL=postgres://db/x\nNODE_OPTIONS=--import ./x.mjs\nPATH=/evil",
  ])("%j in .env", async (text) => {
    const cwd = foreignFolder({ ".env": `${text}\n` });
    expect(await newPerson().run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });

  it.each(["http://0x7f.1:3000/", "2130706433:3000", "http://LOCALHOST/", ":3000/x"])("a target %s", async (target) => {
    const cwd = foreignFolder({ [CONFIG]: JSON.stringify({ forwardTo: target }) });
    expect(await newPerson().run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });
});

describe.each(attacks)("%s", (_name, attack) => {
  const { decision, flag, variable, env } = attack;

  it("stops a command without a terminal, also where the environment or a flag replaces it", async () => {
    const [person, cwd] = [newPerson(undefined, env), newFolder(attack)];
    const { exitCode, out, err } = await person.run(COMMAND, { cwd, env: variable ?? {} });
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain(`error: ${cwd} is not trusted, and its files decide: `);
    expect(err).toContain(decision);
    expect(err).not.toContain("geheim");
    if (flag !== undefined)
      expect(await person.run(flag, { cwd, signal: AbortSignal.timeout(5000) })).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining(decision),
      });
    expect(person.trusted()).toEqual({});
  });

  it("is asked about, and not again after a yes", async () => {
    const [person, cwd] = [newPerson(undefined, env), newFolder(attack)];
    const yes = await person.run(COMMAND, { cwd, says: true });
    const [, label = "", value = ""] = /^(existing \w+|\S+) (.*)$/.exec(decision) ?? [];
    expect([yes.exitCode, yes.questions]).toEqual([0, 1]);
    expect(yes.err.split("\n")).toContainEqual(expect.stringMatching(new RegExp(`^ +${label} +`)));
    expect(yes.err).toContain(value);
    expect(yes.err).not.toContain("geheim");
    expect(Object.values(person.trusted()).flat()).toContainEqual(expect.stringContaining(decision));
    expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });
});

/** One of each label. What follows is the same for every decision. */
const ofEachLabel = [...new Map(attacks.map((each) => [each[0].split(" ", 1)[0], each] as const)).values()];

describe.each(ofEachLabel)("%s", (_name, attack) => {
  const { decision, env } = attack;
  const change = attack.files[".env"]?.startsWith("VISUAL") === true ? "EDITOR=own" : "VISUAL=own";

  it("is let through by CI and by the variable, unless that undoes CI, and nothing is kept", async () => {
    const [person, cwd] = [newPerson(undefined, env), newFolder(attack)];
    for (const more of [{ CI: "true" }, { ZOHO_HOOKS_TRUST: "1" }])
      expect(await person.run(COMMAND, { cwd, env: more })).toMatchObject({ exitCode: 0, err: "" });
    const undone = await person.run(COMMAND, { cwd, env: { CI: "true", ZOHO_HOOKS_TRUST: "0" } });
    expect([undone.exitCode, undone.out]).toEqual([2, ""]);
    expect(undone.err).toContain(
      "if you trust who wrote them: zoho-hooks trust. In a container or a script: ZOHO_HOOKS_TRUST=1 in the environment",
    );
    expect(person.trusted()).toEqual({});
  });

  it("is asked about until a yes, and then only what is new", async () => {
    const [person, cwd] = [newPerson(undefined, env), newFolder(attack)];
    const no = await person.run(COMMAND, { cwd, says: false });
    expect([no.exitCode, no.out, no.questions]).toEqual([2, "", 1]);
    expect(no.err).toContain(`${cwd} is not trusted yet, and its files would decide:`);
    expect(person.trusted()).toEqual({});
    expect(await person.run(COMMAND, { cwd, says: true })).toMatchObject({ exitCode: 0, questions: 1 });

    appendFileSync(join(cwd, ".env"), `${change}\n`);
    const changed = await person.run(COMMAND, { cwd });
    expect(changed.exitCode).toBe(2);
    expect(changed.err).toContain(`its files decide: program ${change}\n`);
    const yes = await person.run(COMMAND, { cwd, says: true });
    expect([yes.exitCode, yes.questions]).toEqual([0, 1]);
    expect(yes.err).toContain(`The files of ${cwd} now also decide:`);
    expect(yes.err).not.toContain(decision);
    expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });

  it("is not trusted by init, which did not write it", async () => {
    const [person, cwd] = [newPerson(undefined, env), newFolder(attack)];
    await person.run(["init", "--yes", "--target", "http://own.example/"], { cwd });
    const { exitCode, err } = await person.run(COMMAND, { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(decision)]);
  });
});

it("shows no password of an address that is not one", async () => {
  const cwd = foreignFolder({
    [CONFIG]: JSON.stringify({ store: "postgres://u:gehe#im@db.example/x?password=geheim" }),
  });
  const { exitCode, err } = await newPerson().run(COMMAND, { cwd });
  expect([exitCode, err]).toEqual([
    2,
    expect.stringContaining("its files decide: store postgres://[masked]@db.example/x"),
  ]);
  expect(err).not.toMatch(/gehe|im@/);
});

it("tells long values with the same beginning apart", () => {
  const decided = (end: string) =>
    decisionsOf({
      root: "/nowhere",
      userSettings: () => ({}),
      variables: {},
      settings: { publicUrl: `https://shop.example/${"x".repeat(400)}${end}` },
    }).map(decisionText);
  expect(decided("1")).toEqual([
    expect.stringMatching(/^publicUrl https:\/\/shop\.example\/x{179}… \(SHA-256 [0-9a-f]{16}\)$/),
  ]);
  expect(decided("2")).not.toEqual(decided("1"));
});
