import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { hotJournal } from "../support/hot-journal.ts";
import { startInspector } from "../support/inspector.ts";
import { startListener } from "../support/listener.ts";
import { SHOP } from "../support/own-product.ts";
import { foreignFolder, newPerson, schemaModule } from "../support/person.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget, type Target } from "../support/target.ts";
import { startZohoServer } from "../support/zoho-server.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;

async function target(): Promise<Target> {
  const app = await startTarget();
  onTestFinished(() => app.close());
  return app;
}

async function receive(
  cwd: string,
  env: Readonly<Record<string, string>>,
  argv: readonly string[] = [],
): Promise<void> {
  const listener = await startListener(argv, { cwd, env });
  await listener.post("/webhooks/zoho/forms", "a=1", { "content-type": "application/x-www-form-urlencoded" });
  await listener.line("event");
  const { exitCode, err } = await listener.stop();
  expect([exitCode, err]).toEqual([0, ""]);
}

/** What is in a folder, with the time of the last change. */
function filesIn(folder: string) {
  return readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
}

describe("listen", () => {
  it.each<Readonly<Record<string, string>>>([{ CI: "true" }, {}])(
    "creates a log with %j that the next command does not ask about",
    async (env) => {
      const [person, cwd] = [newPerson(), foreignFolder({})];
      await receive(cwd, { ...person.env, ...env });
      expect(person.trusted()).toEqual({ [cwd]: ["existing log .zoho-hooks/events.db"] });
      for (const argv of [
        ["events", "list"],
        ["events", "show", "1"],
      ])
        expect(await person.run(argv, { cwd, says: false })).toMatchObject({ exitCode: 0, questions: 0 });
    },
  );

  it("under CI trusts nothing that the files decide, and no log that was there", async () => {
    const person = newPerson();
    const cwd = foreignFolder({
      [CONFIG]: '{"products": {"forms": {"schema": "s.mjs"}}}',
      "s.mjs": schemaModule(join(tempFolder(), "ran")),
    });
    await receive(cwd, { ...person.env, CI: "true" });
    expect((await person.run(COMMAND, { cwd })).err).toContain("its files decide: code s.mjs\n");
    // As in a folder that was copied with its log.
    await person.run(["trust", "--remove"], { cwd });
    await receive(cwd, { ...person.env, CI: "true" });
    expect((await person.run(COMMAND, { cwd })).err).toContain(
      "its files decide: code s.mjs; existing log .zoho-hooks/events.db\n",
    );
  });

  it("creates the log that the user's own settings name in the folder, however they write it", async () => {
    for (const written of ["log/own.db", "./log/../log/own.db", "FOLDER/log/own.db", "FOLDER/.zoho-hooks/events.db"]) {
      const [person, cwd] = [newPerson(), foreignFolder({})];
      const env = { ZOHO_HOOKS_STORE: written.replace("FOLDER", cwd) };
      const name = written.includes("own") ? "log/own.db" : ".zoho-hooks/events.db";
      await receive(cwd, { ...person.env, ...env });
      expect(person.trusted()).toEqual({ [cwd]: [`existing log ${name}`] });
      expect(await person.run(["events", "list"], { cwd, env, says: false })).toMatchObject({
        exitCode: 0,
        questions: 0,
      });
    }
  });

  it("remembers no log that it does not create in the folder", async () => {
    const [person, cwd, other] = [newPerson(), foreignFolder({}), tempFolder()];
    await receive(cwd, person.env, ["--no-store"]);
    await receive(cwd, person.env, ["--store", join(other, "events.db")]);
    await receive(cwd, { ...person.env, ZOHO_HOOKS_STORE: join(other, "own.db") });
    expect(person.trusted()).toEqual({});
  });

  it("remembers the keys that it creates for the secret of a sender", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({})];
    const offer = async (): Promise<void> => {
      const listener = await startListener([], { cwd, env: person.env });
      const headers = { "content-type": "application/json", "x-hook-secret": "from-mail-itself" };
      expect((await listener.post("/webhooks/zoho/mail", "", headers)).status).toBe(200);
      await listener.stop();
    };
    await offer();
    expect(person.trusted()).toEqual({
      [cwd]: ["existing log .zoho-hooks/events.db", "existing keys .zoho-hooks/keys"],
    });
    expect(await person.run(COMMAND, { cwd, says: false })).toMatchObject({ exitCode: 0, questions: 0 });
  });

  it("opens no lock that is another database, also in a folder that is trusted", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ ".zoho-hooks/.keep": "" })];
    const [lock, named] = [join(cwd, ".zoho-hooks/events.db-lock"), join(tempFolder(), "precious")];
    writeFileSync(lock, "SQLite format 3");
    writeFileSync(`${lock}-journal`, hotJournal(named));
    writeFileSync(named, "the user's");
    expect((await person.run(COMMAND, { cwd })).err).toContain("decide: existing log .zoho-hooks/events.db\n");
    await person.run(["trust"], { cwd });
    for (const env of [{}, { CI: "true" }])
      expect(await person.run(["listen", "--port", "0"], { cwd, env })).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining(
          `error: ${lock} is not the lock of an event log: it is not empty\n  move it away, or use another log with ZOHO_HOOKS_STORE`,
        ),
      });
    expect([existsSync(named), existsSync(`${lock}-journal`)]).toEqual([true, true]);
  });

  it("uses the settings that were trusted when it started, whatever the files say now", async () => {
    const [person, app, other] = [newPerson(), await target(), await target()];
    const ran = join(tempFolder(), "ran");
    const cwd = foreignFolder({ [CONFIG]: JSON.stringify({ forwardTo: app.port }), "s.mjs": schemaModule(ran) });
    const listener = await startListener([], { cwd, env: person.env });
    writeFileSync(
      join(cwd, CONFIG),
      JSON.stringify({ forwardTo: other.port, products: { forms: { schema: "s.mjs" } } }),
    );
    await listener.post("/webhooks/zoho/forms", "a=1", { "content-type": "application/x-www-form-urlencoded" });
    await listener.line("forward");
    await listener.stop();
    expect([app.seen.length, other.seen.length, existsSync(ran)]).toEqual([1, 0, false]);
  });
});

describe("the inspector", () => {
  it("replays to the targets that were trusted when it started, and runs no schema that came since", async () => {
    const [person, app, other] = [newPerson(), await target(), await target()];
    const ran = join(tempFolder(), "ran");
    const cwd = foreignFolder({ [CONFIG]: JSON.stringify({ forwardTo: app.port }), "s.mjs": schemaModule(ran) });
    await receive(cwd, person.env, ["--tunnel", "none"]);
    const before = app.seen.length;
    const inspector = await startInspector([], { cwd, env: person.env });
    const files = { forwardTo: [other.port, "http://evil.example/"], products: { forms: { schema: "s.mjs" } } };
    writeFileSync(join(cwd, CONFIG), JSON.stringify(files));
    writeFileSync(join(cwd, ".env"), `ZOHO_HOOKS_FORWARD_TO=${other.port}\n`);
    const { status } = await inspector.post("/api/replay", { n: 1 });
    expect([status, app.seen.length - before, other.seen.length, existsSync(ran)]).toEqual([200, 1, 0, false]);
    const foreign = await inspector.post("/api/replay", { n: 1, to: "http://evil.example/" });
    expect([foreign.status, String(foreign.json().error)]).toEqual([
      422,
      expect.stringContaining("neither this machine nor a target of this project"),
    ]);
    expect((await person.run(COMMAND, { cwd })).err).toContain(
      "its files decide: forwardTo http://evil.example/; code s.mjs\n",
    );
  });
});

describe("a module that comes into the folder of a trusted product", () => {
  const MODULE = "webhooks/shop/schemas/order.sent.mjs";

  it("asks, where a command starts", async () => {
    const [person, cwd] = [
      newPerson(),
      foreignFolder({ ...SHOP, "webhooks/shop/schemas.mjs": schemaModule("/dev/null", ["a"]) }),
    ];
    await person.run(["trust"], { cwd });
    foreignFolder({ [MODULE]: schemaModule(join(tempFolder(), "ran")) }, { folder: cwd });
    expect((await person.run(COMMAND, { cwd })).err).toContain(`its files decide: code ${MODULE}\n`);
  });

  it("is not run by an inspector that runs, which says so", async () => {
    const [person, app] = [newPerson(), await target()];
    const ran = join(tempFolder(), "ran");
    const cwd = foreignFolder(SHOP);
    await receive(cwd, person.env);
    const inspector = await startInspector([], { cwd, env: person.env });
    foreignFolder({ [MODULE]: schemaModule(ran) }, { folder: cwd });
    const { status, json } = await inspector.post("/api/replay", { n: 1, to: String(app.port) });
    expect([status, json()]).toEqual([
      422,
      expect.objectContaining({ error: expect.stringContaining(`${MODULE} is new since zoho-hooks was started`) }),
    ]);
    expect([existsSync(ran), app.seen]).toEqual([false, []]);
  });
});

describe("init", () => {
  const HOSTILE = {
    [CONFIG]: JSON.stringify({ host: "0.0.0.0", forwardTo: "http://evil.example/" }),
    ".env": "NGROK_AUTHTOKEN=2abc\nZOHO_PROFILE=acme\n",
  };

  it("trusts what it has written, and nothing that was there", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(HOSTILE)];
    const argv = ["init", "--yes", "--force", "--products", "crm", "--target", "http://own.example/hooks"];
    expect((await person.run(argv, { cwd })).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, CONFIG), "utf8"))).toMatchObject({
      host: "0.0.0.0",
      forwardTo: "http://own.example/hooks",
    });
    expect(person.trusted()).toEqual({ [cwd]: ["forwardTo http://own.example/"] });
    expect((await person.run(COMMAND, { cwd })).err).toContain(
      `${cwd} is not trusted, and its files decide: host 0.0.0.0; tunnel NGROK_AUTHTOKEN; account ZOHO_PROFILE=acme\n`,
    );
  });

  it("does not trust a target that was there and is kept", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(HOSTILE)];
    await person.run(["init", "--yes"], { cwd });
    expect((await person.run(COMMAND, { cwd })).err).toContain("forwardTo http://evil.example/");
  });

  it("does not trust a log or keys that were there, with what it has written", async () => {
    for (const name of [".zoho-hooks/events.db", ".zoho-hooks/keys/private.pem"]) {
      const [person, cwd] = [newPerson(), foreignFolder({ [name]: "" })];
      await person.run(["init", "--yes", "--target", "http://own.example/"], { cwd });
      expect(person.trusted()).toEqual({ [cwd]: ["forwardTo http://own.example/"] });
      expect((await person.run(COMMAND, { cwd })).err).toMatch(/its files decide: existing (?:log|keys) \S+\n/);
    }
  });

  it("trusts no .env that takes effect only with the config that it writes, as in a subfolder of a project", async () => {
    const [person, root] = [newPerson(), foreignFolder({ [CONFIG]: "{}", "sub/.env": HOSTILE[".env"] })];
    const cwd = join(root, "sub");
    expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0 });
    for (const target of [[], ["--target", "http://own.example/"]]) {
      expect((await person.run(["init", "--yes", "--force", ...target], { cwd })).exitCode).toBe(0);
      expect(person.trusted()).toEqual(target.length === 0 ? {} : { [cwd]: ["forwardTo http://own.example/"] });
      expect((await person.run(COMMAND, { cwd })).err).toContain(
        `${cwd} is not trusted, and its files decide: tunnel NGROK_AUTHTOKEN; account ZOHO_PROFILE=acme\n`,
      );
    }
  });

  it("trusts no .env beside a config that could not be read, and is replaced with --force", async () => {
    for (const broken of ['{"host":', '{"host": 1}']) {
      const [person, cwd] = [newPerson(), foreignFolder({ ...HOSTILE, [CONFIG]: broken })];
      expect((await person.run(["init", "--yes", "--force", "--target", "3000"], { cwd })).exitCode).toBe(0);
      expect(person.trusted()).toEqual({});
      expect((await person.run(COMMAND, { cwd })).err).toContain(
        "its files decide: tunnel NGROK_AUTHTOKEN; account ZOHO_PROFILE=acme\n",
      );
    }
  });

  it("trusts none of several targets of which only the first was answered", async () => {
    const files = { [CONFIG]: JSON.stringify({ forwardTo: ["http://own.example/", "http://evil.example/"] }) };
    const [person, cwd] = [newPerson(), foreignFolder(files)];
    await person.run(["init", "--yes", "--force", "--target", "http://own.example/"], { cwd });
    expect((await person.run(COMMAND, { cwd })).err).toContain("forwardTo http://evil.example/\n");
  });

  it("runs no code of the folder", async () => {
    const ran = join(tempFolder(), "ran");
    const config = { products: { forms: { schema: "s.mjs" } } };
    const cwd = foreignFolder({ [CONFIG]: JSON.stringify(config), "s.mjs": schemaModule(ran) });
    const person = newPerson();
    expect((await person.run(["init", "--yes", "--force", "--products", "forms"], { cwd })).exitCode).toBe(0);
    expect(existsSync(ran)).toBe(false);
    expect((await person.run(COMMAND, { cwd })).err).toContain("its files decide: code s.mjs\n");
  });
});

describe("doctor", () => {
  it("asks no accounts server of the folder's .env, until the user trusts it", async () => {
    const server = await startZohoServer();
    onTestFinished(() => server.close());
    const { clientId, clientSecret } = server.accounts;
    const cwd = foreignFolder({
      ".env": [
        `ZOHO_CLIENT_ID=${clientId}`,
        `ZOHO_CLIENT_SECRET=${clientSecret}`,
        `ZOHO_REFRESH_TOKEN=${server.accounts.makeRefreshToken(["ZohoCRM.notifications.ALL"])}`,
        `ZOHO_ACCOUNTS_URL=${server.url}`,
        `ZOHO_API_URL=${server.url}`,
        "",
      ].join("\n"),
    });
    const person = newPerson();
    const env = { ZOHO_KEYRING: "off" };
    const { out } = await person.run(["doctor"], { cwd, env });
    expect(server.requests).toEqual([]);
    expect(out).toMatch(/^✗ trust +files left out: .* is not trusted, and its files decide: account ZOHO_CLIENT_ID=/m);
    expect(out).toMatch(/^ +→ .*zoho-hooks trust/m);
    await person.run(["trust"], { cwd });
    const trusted = await person.run(["doctor"], { cwd, env });
    expect(server.requests).not.toEqual([]);
    expect(trusted.out).not.toContain("✗ trust");
  });

  it("opens neither the log nor the lock of an untrusted folder", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({})];
    const listener = await startListener([], { cwd, env: person.env });
    await listener.post("/webhooks/zoho/forms", "a=1", { "content-type": "application/x-www-form-urlencoded" });
    const before = filesIn(join(cwd, ".zoho-hooks"));
    const { out } = await newPerson().run(["doctor"], { cwd });
    expect(out).toMatch(/^✗ trust +files left out: .*its files decide: existing log .zoho-hooks\/events\.db$/m);
    expect(out).toMatch(/^– log\.health +not read: the folder is not trusted$/m);
    // Whose lock it is, and its address, are in the log.
    expect(out).toContain("no listen runs in this project");
    expect(filesIn(join(cwd, ".zoho-hooks"))).toEqual(before);
    const own = await person.run(["doctor"], { cwd });
    await listener.stop();
    expect(own.out).toMatch(/^✓ log\.health +1 delivery/m);
    expect(own.out).not.toContain("no listen runs in this project");
  });
});
