import { cpSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addCommands } from "../../src/commands/command.ts";
import { commands } from "../../src/commands/index.ts";
import { ToolCommand } from "../../src/terminal/help.ts";
import { SHOP } from "../support/own-product.ts";
import { foreignFolder, newPerson, schemaModule } from "../support/person.ts";
import { run, tempFolder } from "../support/run.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const program = new ToolCommand("zoho-hooks");
await addCommands(
  program,
  () => async () => {},
  commands,
  () => true,
);

/** The words of every command that does something, hidden ones too. */
function leaves(parent: Command, path: readonly string[] = []): readonly string[] {
  return parent.commands
    .filter((child) => child.name() !== "help")
    .flatMap((child) => {
      const words = [...path, child.name()];
      return child.commands.length === 0 ? [words.join(" ")] : leaves(child, words);
    });
}

/** The other words of a call that needs nothing but the folder. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  listen: ["--port", "0", "--tunnel", "none"],
  send: ["forms", "--dry-run"],
  check: ["http://127.0.0.1:1/"],
  verify: ["payload.json"],
  "channels list": [],
  "channels show": ["1"],
  "channels create": ["Leads.create", "--url", "https://hooks.example.com/"],
  "channels renew": [],
  "channels delete": ["1", "--yes"],
  "webhooks list": ["--product", "desk"],
  "webhooks create": ["Ticket_Add", "--product", "desk", "--url", "https://hooks.example.com/"],
  "webhooks delete": ["1", "--product", "desk", "--yes"],
  "webhooks failures": ["--product", "books"],
  reconcile: [],
  login: ["--code", "1000.x", "--client-id", "1000.X"],
  logout: [],
  whoami: [],
  "events list": [],
  "events show": ["1"],
  "events stats": [],
  "events diff": ["1", "2"],
  "events drift": [],
  "events save-fixture": ["1"],
  "events prune": [],
  ui: ["--port", "0"],
  replay: ["1"],
  "store init": [],
  "store status": [],
  "fixtures show": ["crm", "Leads.create"],
  "fixtures list": [],
  "fixtures eject": ["crm", "Leads.create"],
  types: [],
};

const NO_EMULATOR = ["--url", "http://127.0.0.1:1"];
/** They reach nothing here. */
const UNREACHABLE: Readonly<Record<string, readonly string[]>> = {
  "emulate fail": ["429", ...NO_EMULATOR],
  "emulate advance": ["6d", ...NO_EMULATOR],
  "emulate reset": NO_EMULATOR,
};

/** Set a folder up or show it: they run no code of it and send nothing for it. */
const WITHOUT_QUESTION: Readonly<Record<string, readonly string[]>> = {
  "emulate start": ["--port", "0"],
  products: [],
  init: ["--yes", "--force", "--products", "crm"],
  trust: [],
  skill: [],
  keygen: [],
  "config show": [],
  doctor: [],
  "completion bash": [],
  "completion zsh": [],
  "completion fish": [],
  "completion powershell": [],
  "completion words": ["send", "shop", ""],
};

/** A stranger's server, to which the folder sends whatever it can. */
let requests: string[] = [];
const thief = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`);
  response.writeHead(400).end();
});
let zoho: ZohoServer;
const SCOPES = ["ZohoCRM.notifications.ALL", "ZohoCRM.settings.modules.READ"];
/** The user's own folder, with a sign-in. */
let signedIn: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => void thief.listen(0, "127.0.0.1", resolve));
  zoho = await startZohoServer();
  signedIn = tempFolder();
  const { clientId, clientSecret } = zoho.accounts;
  const argv = ["login", "--code", zoho.accounts.makeCode(SCOPES), "--client-id", clientId];
  const hosts = { ZOHO_ACCOUNTS_URL: zoho.url, ZOHO_API_URL: zoho.url };
  const { exitCode, err } = await run(argv, {
    env: { ...hosts, XDG_CONFIG_HOME: signedIn, ZOHO_KEYRING: "off", ZOHO_CLIENT_SECRET: clientSecret },
  });
  expect([exitCode, err]).toEqual([0, expect.any(String)]);
});

afterAll(async () => {
  await new Promise((resolve) => thief.close(resolve));
  await zoho.close();
});

/** A stranger's folder, and someone with a sign-in who is in it, and has never seen it. */
function newClone() {
  const ran = join(tempFolder(), "ran");
  const { port } = thief.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const cwd = foreignFolder({
    ...SHOP,
    "zoho-hooks.config.json": JSON.stringify({
      forwardTo: "http://evil.example/",
      products: { forms: { schema: "s.mjs" }, shop: { path: "webhooks/shop" } },
    }),
    ".env": `NGROK_AUTHTOKEN=2abc_strangers\nZOHO_ACCOUNTS_URL=${url}\nZOHO_API_URL=${url}\n`,
    "s.mjs": schemaModule(ran),
    "webhooks/shop/schemas/order.paid.mjs": schemaModule(ran),
    "payload.json": '{"a":1}',
  });
  const config = tempFolder();
  cpSync(signedIn, config, { recursive: true });
  requests = [];
  const sent = zoho.requests.length;
  return {
    /** Without a terminal. */
    async call(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
      const all = { ZOHO_KEYRING: "off", ...env };
      const interrupt = new AbortController();
      // The emulator is ready.
      const onErr = (text: string) => text.includes("emulate fail") && interrupt.abort();
      const signal = AbortSignal.any([interrupt.signal, AbortSignal.timeout(8000)]);
      return newPerson(config).run(argv, { cwd, env: all, signal, onErr });
    },
    moduleRan: () => existsSync(ran),
    requests: () => requests,
    /** At the user's own Zoho. */
    sent: () => zoho.requests.slice(sent),
  };
}

const named = (argv: readonly string[]) => [argv.join(" "), argv] as const;

const DECISIONS =
  "forwardTo http://evil.example/; code s.mjs; code webhooks/shop/schemas/order.paid.mjs; tunnel NGROK_AUTHTOKEN; account ZOHO_ACCOUNTS_URL=";

describe("in a stranger's folder", () => {
  it("every command is called", () => {
    // `mcp` takes over stdin and stdout: test/e2e/mcp.test.ts.
    const called = [...[ARGUMENTS, WITHOUT_QUESTION, UNREACHABLE].flatMap(Object.keys), "mcp"];
    expect(called.toSorted()).toEqual(leaves(program).toSorted());
  });

  it.each(
    [
      ...Object.entries(ARGUMENTS).map(([words, more]) => [...words.split(" "), ...more]),
      ["products", "crm"],
      ["events"],
      ["channels"],
      ["listen", "3000", "--tunnel", "none", "--port", "0", "--no-store"],
      ["listen", "--role", "deliver"],
      ["ui", "--for-listen"],
      ["send", "crm", "Leads.create", "--to", "3000", "--json"],
    ].map(named),
  )("%s runs none of its code, sends nothing, and says what it decides", async (_, argv) => {
    const clone = newClone();
    const { exitCode, out, err } = await clone.call(argv);
    expect([exitCode, err + out]).toEqual([2, expect.stringContaining(DECISIONS)]);
    expect([clone.moduleRan(), clone.requests(), clone.sent()]).toEqual([false, [], []]);
  });

  it.each(
    [
      ...Object.entries(WITHOUT_QUESTION).map(([words, more]) => [...words.split(" "), ...more]),
      ["login", "--help"],
      ["help", "send"],
      ["help", "configuration"],
      ["--version"],
      ["listen", "--help"],
    ].map(named),
  )("%s runs none of its code, sends it nothing, and ends without an error", async (_, argv) => {
    const clone = newClone();
    const { exitCode, err } = await clone.call(argv);
    // doctor says that listen would not start here.
    const expected = argv[0] === "doctor" ? 8 : 0;
    expect([exitCode, err]).toEqual([expected, expect.not.stringContaining("error:")]);
    expect([clone.moduleRan(), clone.requests()]).toEqual([false, []]);
  });

  it.each(Object.entries(UNREACHABLE).map(([words, more]) => named([...words.split(" "), ...more])))(
    "%s runs none of its code and sends it nothing",
    async (_, argv) => {
      const clone = newClone();
      expect((await clone.call(argv)).exitCode).toBe(5);
      expect([clone.moduleRan(), clone.requests()]).toEqual([false, []]);
    },
  );

  // The others prove something only if its code would run, and its server would be asked.
  it.each([["verify", "payload.json"], ["send", "forms", "--dry-run"], ["types"], ["products", "forms"]].map(named))(
    "%s would run its code if the user trusted it",
    async (_, argv) => {
      const clone = newClone();
      await clone.call(argv, { ZOHO_HOOKS_TRUST: "1" });
      expect(clone.moduleRan()).toBe(true);
    },
  );

  it.each([["whoami"], ["channels", "list"], ["doctor"]].map(named))(
    "%s would ask its server if the user trusted it",
    async (_, argv) => {
      const clone = newClone();
      await clone.call(argv, { ZOHO_HOOKS_TRUST: "1" });
      expect(clone.requests()).not.toEqual([]);
    },
  );
});

describe("what needs no question", () => {
  it("products lists without the folder's products, and says why", async () => {
    const { out, err } = await newClone().call(["products"]);
    expect(out).toContain("crm");
    expect(out).not.toContain("shop");
    expect(err).toContain("warning: its products are left out: ");
    expect(err).toContain(DECISIONS);
  });

  it("doctor leaves the folder's files out, names what they decide, and looks at the user's own sign-in", async () => {
    const clone = newClone();
    const { out, lines } = await clone.call(["doctor", "--json"]);
    expect(lines()).toContainEqual(
      expect.objectContaining({ id: "trust", outcome: "failed", text: expect.stringContaining(DECISIONS) }),
    );
    expect(out).toContain("zoho-hooks trust");
    expect(out).not.toContain("2abc_strangers");
    expect(clone.sent().length).toBeGreaterThan(0);
  });

  it("config show says what the files set, without secrets", async () => {
    const { out } = await newClone().call(["config", "show"]);
    expect(out).toContain("http://evil.example/");
    expect(out).not.toContain("2abc_strangers");
  });
});
