import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLog } from "../../src/store/sqlite/log.ts";
import { answering } from "../support/answers.ts";
import { newEntry } from "../support/log-entry.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

const LISTEN = ["listen", "--port", "0", "--tunnel", "none", "--timeout", "50ms"];
const OTHER = "../other project/events.db";
const DELIVERIES = 3;

/** A cloned project beside another one, whose log has deliveries of an hour ago. */
async function clonedProject(settings: object = {}, env = "") {
  const folder = tempFolder();
  const cwd = join(folder, "project");
  const log = join(folder, "other project/events.db");
  mkdirSync(cwd);
  writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(settings));
  writeFileSync(join(cwd, ".env"), env);
  await fill(log);
  return { cwd, log, run: (argv: readonly string[], options?: RunOptions) => run(argv, { cwd, ...options }) };
}

async function fill(path: string): Promise<void> {
  const log = await openLog({ path, now: () => new Date() });
  const receivedAt = new Date(Date.now() - 3_600_000);
  for (let i = 0; i < DELIVERIES; i++) await log.append(newEntry({ receivedAt }));
  await log.close();
}

async function deliveriesIn(log: string): Promise<number> {
  const { lines } = await run(["events", "list", "--json", "--store", log]);
  return lines().filter(({ type }) => type === "event").length;
}

describe("a store that the project names", () => {
  it.each([
    ["its config file", { store: OTHER, keep: "1s" }, "", "store in "],
    ["its .env", { keep: "1s" }, `ZOHO_HOOKS_STORE='${OTHER}'\n`, "ZOHO_HOOKS_STORE ("],
  ])("is refused outside the project: in %s", async (_, settings, env, origin) => {
    const project = await clonedProject(settings, env);
    const { exitCode, err } = await project.run(LISTEN);
    expect(exitCode).toBe(2);
    expect(err).toContain(`${project.log} is outside the project`);
    expect(err).toContain(origin);
    expect(err).toContain(`--store '${project.log}'`);
    expect(await deliveriesIn(project.log)).toBe(DELIVERIES);
  });

  it("is refused as an absolute path outside the project, and not created", async () => {
    const store = join(tempFolder(), "new/events.db");
    const { run } = await clonedProject({ store });
    const { exitCode, err } = await run(LISTEN);
    expect(exitCode).toBe(2);
    expect(err).toContain(`${store} is outside the project`);
    expect(existsSync(dirname(store))).toBe(false);
  });

  it("is refused if it is an empty file outside, whose mode stays as it was", async () => {
    const store = join(tempFolder(), "empty");
    writeFileSync(store, "");
    chmodSync(store, 0o644);
    const { run } = await clonedProject({ store });
    expect((await run(LISTEN)).exitCode).toBe(2);
    expect(readFileSync(store, "utf8")).toBe("");
    if (process.platform !== "win32") expect(statSync(store).mode & 0o777).toBe(0o644);
  });

  it.each([
    ["events", "list"],
    ["events", "prune"],
    ["replay", "last", "--to", "http://127.0.0.1:9"],
    ["verify", "--logged", "last"],
    ["types", "--observed"],
    ["channels", "create", "Leads.all"],
  ])("is refused by %s %s", async (...argv) => {
    const { run } = await clonedProject({ store: OTHER });
    const { exitCode, err } = await run(argv);
    expect(exitCode).toBe(2);
    expect(err).toContain("is outside the project");
  });

  it.each(["logs/events.db", "./logs/../events.db", "..events.db"])("is taken in the project: %s", async (store) => {
    const { cwd, run } = await clonedProject({ store });
    expect((await run(LISTEN)).exitCode).toBe(0);
    expect(existsSync(join(cwd, store))).toBe(true);
  });
});

describe("a store that the user names", () => {
  it.each<[string, (log: string) => { argv?: readonly string[]; env?: Record<string, string>; file?: string }]>([
    ["a flag", (log) => ({ argv: ["--store", log] })],
    ["the environment", (log) => ({ env: { ZOHO_HOOKS_STORE: log } })],
    ["the user's config file", (log) => ({ file: JSON.stringify({ store: log }) })],
  ])("may be anywhere: by %s", async (_, by) => {
    const { cwd, log, run } = await clonedProject();
    const { argv = [], env = {}, file = "{}" } = by(log);
    const user = { XDG_CONFIG_HOME: tempFolder(), ...env };
    mkdirSync(join(user.XDG_CONFIG_HOME, "zoho-hooks"));
    writeFileSync(join(user.XDG_CONFIG_HOME, "zoho-hooks/config.json"), file);
    const { exitCode, lines } = await run(["events", "list", "--json", ...argv], { env: user });
    expect(exitCode).toBe(0);
    expect(lines()).toHaveLength(DELIVERIES);
    expect((await run([...LISTEN, ...argv], { env: user })).exitCode).toBe(0);
    expect(existsSync(join(cwd, ".zoho-hooks"))).toBe(false);
  });
});

describe("keep and maxLog of a project", () => {
  it.each([
    ["its config file", { keep: "1s" }, ""],
    ["its .env", {}, "ZOHO_HOOKS_KEEP=1s\n"],
  ])("do not let listen prune a log outside the project: in %s", async (_, settings, env) => {
    const { log, run } = await clonedProject(settings, env);
    const { exitCode, err } = await run([...LISTEN, "--store", log]);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/keep.* is not applied: .*events\.db is outside the project/i);
    expect(await deliveriesIn(log)).toBe(DELIVERIES);
  });

  it("do not let events prune remove anything from a log outside the project", async () => {
    const { log, run } = await clonedProject({ keep: "1s", maxLog: "1kb" });
    const { exitCode, err, lines } = await run(["events", "prune", "--json", "--store", log]);
    expect(exitCode).toBe(0);
    expect(lines()).toContainEqual(
      expect.objectContaining({ type: "pruned", removed: 0, keep_ms: null, max_bytes: null }),
    );
    expect(lines().filter(({ type }) => type === "warning")).toHaveLength(2);
    expect(err).toBe("");
  });

  it.each([
    ["listen", LISTEN],
    ["events prune", ["events", "prune"]],
  ])("give way to the user's own flag: %s --keep", async (_, argv) => {
    const { log, run } = await clonedProject({ keep: "7d" });
    const { exitCode, out, err } = await run([...argv, "--store", log, "--keep", "1s"]);
    expect(exitCode).toBe(0);
    expect(out + err).not.toContain("not applied");
    expect(await deliveriesIn(log)).toBe(0);
  });

  it("apply to a log in the project", async () => {
    const { cwd, run } = await clonedProject({ keep: "1s" });
    const log = join(cwd, "logs/events.db");
    await fill(log);
    expect((await run([...LISTEN, "--store", "logs/events.db"])).exitCode).toBe(0);
    expect(await deliveriesIn(log)).toBe(0);
  });
});

// Making links takes a privilege on Windows.
describe.skipIf(process.platform === "win32")("a log behind a link that came with the project", () => {
  it.each([
    [".zoho-hooks", "outside", "../outside/events.db"],
    [".zoho-hooks/events.db", "outside/made.db", "../outside/made.db"],
    [".zoho-hooks/events.db-lock", "outside/made", ".zoho-hooks/events.db"],
    [".zoho-hooks/events.db-wal", "outside/made", ".zoho-hooks/events.db"],
    [".zoho-hooks/events.db-shm", "outside/made", ".zoho-hooks/events.db"],
    [".zoho-hooks/events.db-journal", "outside/made", ".zoho-hooks/events.db"],
  ])("is refused, and nothing is written there: %s", async (link, target, named) => {
    const { cwd, run } = await clonedProject();
    const outside = join(cwd, "../outside");
    mkdirSync(outside);
    mkdirSync(dirname(join(cwd, link)), { recursive: true });
    symlinkSync(join(cwd, "..", target), join(cwd, link));
    for (const argv of [LISTEN, ["events", "list"]]) {
      const { exitCode, err } = await run(argv);
      expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(cwd, link)} is a link`)]);
      expect(err).toContain(`--store ${join(cwd, named)}`);
    }
    expect(readdirSync(outside)).toEqual([]);
  });

  it.each([["logs"], ["logs/events.db"]])("is refused where the project's store leads through %s", async (link) => {
    const { cwd, log, run } = await clonedProject({ store: "logs/events.db", keep: "1s" });
    mkdirSync(dirname(join(cwd, link)), { recursive: true });
    symlinkSync(link === "logs" ? dirname(log) : log, join(cwd, link));
    const { exitCode, err } = await run(LISTEN);
    expect(exitCode).toBe(2);
    expect(err).toContain(`${join(cwd, link)} is a link`);
    expect(await deliveriesIn(log)).toBe(DELIVERIES);
  });

  it.each<[string, readonly string[], Record<string, string>, string]>([
    ["a flag", ["--store", "logs/events.db"], {}, "--store is logs/events.db"],
    [
      "the environment",
      [],
      { ZOHO_HOOKS_STORE: "./logs/events.db" },
      "ZOHO_HOOKS_STORE (environment) is ./logs/events.db",
    ],
  ])("is refused where the user's relative path leads through it: in %s", async (_, argv, env, what) => {
    const { cwd, log, run } = await clonedProject();
    symlinkSync("../other project", join(cwd, "logs"));
    for (const command of [LISTEN, ["events", "list"], ["events", "prune", "--keep", "1s"]]) {
      const { exitCode, err } = await run([...command, ...argv], { env });
      expect([exitCode, err]).toEqual([2, expect.stringContaining(`${what}: ${join(cwd, "logs")} is a link`)]);
      expect(err).toContain(`use --store '${log}'`);
    }
    expect(await deliveriesIn(log)).toBe(DELIVERIES);
  });

  it("is taken with the user's own flag, and not pruned by the project's keep", async () => {
    const { cwd, log, run } = await clonedProject({ keep: "1s" });
    symlinkSync(dirname(log), join(cwd, "logs"));
    const { exitCode, err } = await run([...LISTEN, "--store", join(cwd, "logs/events.db")]);
    expect(exitCode).toBe(0);
    expect(err).toMatch(/keep in .* is not applied: .*logs is a link/);
    expect(await deliveriesIn(log)).toBe(DELIVERIES);
  });
});

describe("a log beside the project in a repository", () => {
  async function repository(settings: object) {
    const clone = await clonedProject(settings);
    mkdirSync(join(clone.cwd, "../.git"));
    const env = { XDG_CONFIG_HOME: tempFolder() };
    return { ...clone, run: (argv: readonly string[], options?: RunOptions) => clone.run(argv, { env, ...options }) };
  }

  it.skipIf(process.platform === "win32")("is asked about again when a link leads to another log", async () => {
    const { cwd, run } = await repository({ store: "../data/events.db", keep: "1s" });
    const data = join(cwd, "../data");
    const asked: string[] = [];
    const yes = { prompts: answering({ Allow: true }, asked) };
    expect((await run(LISTEN, yes)).exitCode).toBe(0);
    expect(asked.join()).toContain(`${join(data, "events.db")} is outside the project`);
    expect((await run(LISTEN)).exitCode).toBe(0);
    const own = join(tempFolder(), "own");
    await fill(join(own, "events.db"));
    rmSync(data, { recursive: true });
    symlinkSync(own, join(cwd, "../link"));
    symlinkSync("link", data);
    const { exitCode, err } = await run(LISTEN);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`(a link leads to ${join(own, "events.db")})`)]);
    expect(err).toContain(`--store ${join(own, "events.db")}`);
    expect(await deliveriesIn(join(own, "events.db"))).toBe(DELIVERIES);
  });

  it("gets no fewer retries by the project than by default", async () => {
    const { log, run } = await repository({ retries: 0, forwardTo: 9 });
    const { exitCode, err } = await run([...LISTEN, "--store", log]);
    expect([exitCode, err]).toEqual([0, expect.stringMatching(/not applied: retries in .*, since other projects may/)]);
  });
});

/** A rollback journal that has SQLite delete a file: https://www.sqlite.org/fileformat2.html#the_rollback_journal */
function journalThatDeletes(name: string): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const bytes = Buffer.from(name);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  const magic = Buffer.from("d9d505f920a163d7", "hex");
  return Buffer.concat([Buffer.alloc(600, "x"), number(1), bytes, number(bytes.length), number(sum), magic]);
}

describe("a lock that came with the project", () => {
  const REFUSED = "-lock is not a lock that zoho-hooks made";

  it.each<[string, boolean, readonly string[], number, string]>([
    ["listen", false, LISTEN, 2, REFUSED],
    ["listen with a log", true, LISTEN, 2, REFUSED],
    // It looks for a running listener, and goes on without one.
    ["send", true, ["send", "crm", "Leads.create"], 5, ""],
    ["channels create --dry-run", true, ["channels", "create", "Leads.all", "--dry-run"], 2, REFUSED],
  ])("deletes no file outside: %s", async (_, hasLog, argv, status, message) => {
    const { cwd, run } = await clonedProject();
    const log = join(cwd, ".zoho-hooks/events.db");
    if (hasLog) await fill(log);
    const victim = join(cwd, "../victim");
    writeFileSync(victim, "mine");
    // A log is a database, too.
    await fill(`${log}-lock`);
    writeFileSync(`${log}-lock-journal`, journalThatDeletes(victim));
    const { exitCode, err } = await run(argv, { env: { ZOHO_HOOKS_PORT: "1" } });
    expect(existsSync(victim)).toBe(true);
    expect([exitCode, err]).toEqual([status, expect.stringContaining(message)]);
  });

  it("is what a killed listener leaves: an empty file, and a journal that nobody reads", async () => {
    const { cwd, run } = await clonedProject();
    const log = join(cwd, ".zoho-hooks/events.db");
    const victim = join(cwd, "../victim");
    writeFileSync(victim, "mine");
    await fill(log);
    writeFileSync(`${log}-lock`, "");
    writeFileSync(`${log}-lock-journal`, journalThatDeletes(victim));
    expect((await run(LISTEN)).exitCode).toBe(0);
    expect(existsSync(victim)).toBe(true);
  });
});

it("a target in the log that is no URL stops neither events prune nor doctor", async () => {
  const cwd = tempFolder();
  const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
  await log.append(newEntry({ forward: { targets: ["no URL"] } }));
  await log.close();
  const doctor = await run(["doctor", "--json"], { cwd });
  expect(doctor.lines()).toContainEqual(expect.objectContaining({ id: "log.health", outcome: "passed" }));
  const pruned = await run(["events", "prune", "--give-up", "no URL"], { cwd });
  expect([pruned.exitCode, pruned.err]).toEqual([0, expect.stringContaining("1 delivery to no URL marked as failed")]);
});
