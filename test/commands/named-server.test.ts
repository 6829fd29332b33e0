import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CONFIG_FILE } from "../../src/config/settings.ts";
import type { Prompts } from "../../src/reports/prompts.ts";
import { openLogAt } from "../../src/store/open-log.ts";
import { newEntry } from "../support/log-entry.ts";
import { hasPostgres, sharedAddress } from "../support/postgres.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

const LISTEN = ["listen", "--timeout", "20ms", "--port", "0", "--tunnel", "none"];
const LIST = ["events", "list"];

/** A cloned project with this config file, and an empty home folder beside it. */
function project(settings: object) {
  const folder = tempFolder();
  const cwd = join(folder, "project");
  mkdirSync(cwd);
  writeFileSync(join(cwd, CONFIG_FILE), JSON.stringify(settings));
  const user = { XDG_CONFIG_HOME: join(folder, "home") };
  const inProject = (argv: readonly string[], { env, ...options }: RunOptions = {}) =>
    run(argv, { cwd, env: { ...user, ...env }, ...options });
  return Object.assign(inProject, { cwd });
}

/** A terminal in which every question gets this answer. */
function terminal(answer: boolean) {
  const questions: string[] = [];
  const confirm: Prompts["confirm"] = async ({ message }) => {
    questions.push(message);
    return answer;
  };
  return { questions, prompts: { confirm } as Prompts };
}

describe("a question names the server that is connected to", () => {
  it.each<[argv: readonly string[], settings: object, shown: readonly string[], hidden: string]>([
    [
      LIST,
      { store: "postgres://127.0.0.2:5998/hooks?application_name=x@localhost:5432/hooks" },
      ["is postgres://127.0.0.2:5998/[masked]:", "would go to the server 127.0.0.2:5998"],
      "localhost",
    ],
    [
      LISTEN,
      { store: "postgres://evil.test/hooks" },
      ["deliveries, with their tokens and signatures, would go to the server evil.test:5432"],
      "password",
    ],
    [
      LISTEN,
      { store: "postgres://me:pearl@localhost@evil.test/hooks" },
      [
        "is postgres://[masked]@evil.test/hooks:",
        "and the password of the address, would go to the server evil.test:5432",
      ],
      "localhost",
    ],
    [LIST, { store: "postgres://l%D0%BEcalhost/hooks" }, ["server xn--lcalhost-nbh:5432"], "server localhost"],
    [LIST, { store: "postgres://%2Ftmp%0A%2Fpg/hooks" }, ["server /tmp /pg"], "5432"],
    [LIST, { store: "postgres://[::2]/hooks" }, ["server [::2]:5432"], "localhost"],
    [
      LIST,
      { store: "postgres://a&schema=b@evil.test&password=x@evil.test/hooks" },
      ["server evil.test:5432"],
      "schema",
    ],
    // The host ends at the slash, though it was perhaps meant as a part of the password.
    [
      LIST,
      { store: "postgres://me:12/pearl@db.test/hooks" },
      ["is postgres://me:12/[masked]:", "server me:12"],
      "pearl",
    ],
    [
      LISTEN,
      { forwardTo: "bullmq://127.0.0.2:6399/q?prefix=x@localhost:6379/zoho-webhooks" },
      ["is bullmq://127.0.0.2:6399/[masked]:", "would leave this machine, to 127.0.0.2:6399"],
      "localhost",
    ],
    [
      LISTEN,
      { forwardTo: ["3000", "bullmq://:pearl@evil.test/q", "https://app.test/hook"] },
      ["is 3000, bullmq://[masked]@evil.test/q, https://app.test/hook: ", ", to evil.test:6379, app.test:443"],
      "pearl",
    ],
    [
      LISTEN,
      { routes: { "crm:?token": "https://evil.test/hook?token=pearl" } },
      ["is crm:?token=https://evil.test/hook?token=[masked]: ", ", to evil.test:443"],
      "pearl",
    ],
    [
      LISTEN,
      { routes: { [`crm:${"*".repeat(320)}`]: "https://evil.test/hook" } },
      ["…=https://evil.test/hook: "],
      "pearl",
    ],
  ])("%j with %j", async (argv, settings, shown, hidden) => {
    const { questions, prompts } = terminal(false);
    const { exitCode, err } = await project(settings)(argv, { prompts });
    expect([exitCode, questions.length]).toEqual([2, 1]);
    for (const text of [questions[0], err]) for (const part of shown) expect(text).toContain(part);
    expect(questions[0] + err).not.toContain(hidden);
  });

  it("of a target in the log, too", async () => {
    const inProject = project({});
    const log = await openLogAt({ root: inProject.cwd, store: ".zoho-hooks/events.db" }, { now: () => new Date() });
    await log.append(newEntry({ forward: { targets: ["bullmq://127.0.0.2:6399/q?prefix=x@localhost:6379/hooks"] } }));
    await log.close();
    const { questions, prompts } = terminal(false);
    expect((await inProject(["replay", "last"], { prompts })).exitCode).toBe(2);
    expect(questions).toEqual([expect.stringContaining("names the target bullmq://127.0.0.2:6399/[masked]: ")]);
    expect(questions).toEqual([expect.stringContaining(", to 127.0.0.2:6399")]);
  });
});

describe("the address of a database in a project", () => {
  it.each([
    ["postgres://localhost/hooks?host=evil.test", "the parameter host"],
    ["postgres://localhost/hooks?%68ost=/tmp", "the parameter host"],
    ["postgres://localhost/hooks?schema=a&port=5998", "the parameter port"],
    ["postgres://localhost/hooks?password=pearl", "the parameter password"],
    ["postgres://localhost/hooks?sslkey=../id_rsa", "the parameter sslkey"],
    ["postgres://localhost/hooks?sslrootcert=//evil.test/share/x&x=@", "the parameter sslrootcert"],
    ["postgres:///hooks", "no host or port"],
    ["postgres://me@/hooks", "cannot be read"],
    ["postgres://me:pe@/arl@localhost/hooks", "cannot be read"],
  ])("is refused without a question where it could lead elsewhere: %s", async (store, reason) => {
    const { questions, prompts } = terminal(true);
    const { exitCode, err } = await project({ store })(LIST, { prompts });
    expect([exitCode, questions, err]).toEqual([2, [], expect.stringContaining(`the address of the database `)]);
    expect(err).toContain(reason);
    expect(err).not.toMatch(/pearl|arl@/);
  });

  /** A server that asks for a password and keeps what it gets. */
  async function passwordServer() {
    const passwords: string[] = [];
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on("error", () => {});
      socket.once("data", () => {
        // AuthenticationCleartextPassword: https://www.postgresql.org/docs/current/protocol-message-formats.html
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        socket.once("data", (message) => {
          passwords.push(message.subarray(5, -1).toString());
          socket.destroy();
        });
      });
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return { port, passwords, connections: () => connections };
  }

  /** As pg reads it: from the process. */
  function userHas(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
  }

  it.each(["PGPASSWORD", "PGPASSFILE"])("gets no password by the user's %s", async (name) => {
    const { port, passwords, connections } = await passwordServer();
    const file = join(tempFolder(), "pgpass");
    writeFileSync(file, "*:*:*:*:pearl\n", { mode: 0o600 });
    userHas({ [name]: name === "PGPASSFILE" ? file : "pearl" });
    const inProject = project({ store: `postgres://me@127.0.0.1:${port}/hooks` });
    const { exitCode, err } = await inProject(LIST, terminal(true));
    expect([exitCode, passwords, connections()]).toEqual([2, [], 1]);
    expect(err).toContain("asks for a password, and the project's address has none");
    expect(err).toContain("--store");
  });

  it("uses the password in its address, and the user's own if the user configured the address", async () => {
    const { port, passwords } = await passwordServer();
    userHas({ PGPASSWORD: "pearl" });
    await project({ store: `postgres://me:p%40ss@127.0.0.1:${port}/hooks` })(LIST, terminal(true));
    expect(passwords).toEqual(["p@ss"]);
    const store = `postgres://me@127.0.0.1:${port}/hooks`;
    await project({})([...LIST, "--store", store]);
    await project({ store })(LIST, { env: { ZOHO_HOOKS_STORE: store } });
    expect(passwords).toEqual(["p@ss", "pearl", "pearl"]);
  });

  it.skipIf(!hasPostgres)("is used after a yes, where the server asks for no password", async () => {
    const [, folder, schema] = /host=(.*)&schema=(.*)/.exec(await sharedAddress(randomUUID())) ?? [];
    const inProject = project({ store: `postgres://postgres@${folder}/postgres?schema=${schema}` });
    const { exitCode, out, err } = await inProject(["store", "init"], terminal(true));
    expect([exitCode, out, err]).toEqual([0, expect.stringContaining("was created"), ""]);
    expect((await inProject(LISTEN)).exitCode).toBe(0);
  });

  it("is not led elsewhere by PGHOST and PGPORT", async () => {
    const { port, connections } = await passwordServer();
    userHas({ PGPORT: String(port), PGHOST: "127.0.0.1" });
    await project({ store: "postgres://127.0.0.1/hooks" })(LIST, terminal(true));
    expect(connections()).toBe(0);
  });
});
