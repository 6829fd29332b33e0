import fs, { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";

const KEYS = join(".zoho-hooks", "keys");
const IGNORE = join(KEYS, ".gitignore");

/** A project as it may be cloned, in which a path leads to a folder, or a file, beside it. */
function clonedProject(link: string, isFolder: boolean) {
  const folder = tempFolder();
  const cwd = join(folder, "project");
  const outside = join(folder, "outside");
  mkdirSync(dirname(join(cwd, link)), { recursive: true });
  if (isFolder) mkdirSync(outside);
  else writeFileSync(outside, "{}");
  symlinkSync(outside, join(cwd, link), isFolder ? "dir" : "file");
  const isUntouched = () => (isFolder ? readdirSync(outside).length === 0 : readFileSync(outside, "utf8") === "{}");
  return { cwd, isUntouched };
}

/** A log with an event that has a field of its own. */
async function receiveLead(cwd: string): Promise<void> {
  const listener = await startListener([], { cwd });
  await listener.post("/webhooks/zoho/crm", '{"module":"Leads","operation":"create","ids":["1"],"token":"t","new":1}');
  await listener.stop();
}

async function handOver(cwd: string) {
  const listener = await startListener([], { cwd });
  const headers = { "content-type": "application/json", "x-hook-secret": "from-mail-itself" };
  const { status } = await listener.post("/webhooks/zoho/mail", "", headers);
  const { out } = await listener.stop();
  return { status, out };
}

// Only who may do so makes links on Windows.
describe.skipIf(process.platform === "win32")("a link in a project leads nothing of the tool's own elsewhere:", () => {
  it.each([
    [".zoho-hooks", true],
    [KEYS, true],
    [IGNORE, false],
  ])("keygen refuses %s and says why", async (link, isFolder) => {
    const { cwd, isUntouched } = clonedProject(link, isFolder);
    const { exitCode, err } = await run(["keygen"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`${join(cwd, link)} is a link, so a file outside the project could be overwritten`);
    expect(isUntouched()).toBe(true);
    expect(existsSync(join(cwd, KEYS, "private.pem"))).toBe(false);
  });

  it.each([
    [KEYS, true],
    [IGNORE, false],
  ])("listen keeps no secret through %s, and asks for it again", async (link, isFolder) => {
    const { cwd, isUntouched } = clonedProject(link, isFolder);
    const { status, out } = await handOver(cwd);
    expect(status).toBe(503);
    expect(out).toContain("is a link, so a file outside the project could be overwritten");
    expect(isUntouched()).toBe(true);
  });

  it.each([
    ["learned", ["listen", "--port", "0", "--timeout", "10ms", "--learn"]],
    ["learned/crm/guide", ["listen", "--port", "0", "--timeout", "10ms", "--learn"]],
    ["learned/crm", ["events", "drift", "--learn"]],
    ["fixtures", ["fixtures", "eject", "crm", "Leads.create"]],
    ["fixtures/crm/wire", ["fixtures", "eject", "crm", "Leads.create", "--force"]],
    ["fixtures/crm", ["fixtures", "eject", "--all"]],
    ["fixtures/crm/guide", ["events", "save-fixture", "last", "--force"]],
    ["fixtures/crm/wire/Leads.create.json", ["fixtures", "eject", "crm", "Leads.create", "--force"]],
    ["fixtures/crm/guide/Leads.create.json", ["events", "save-fixture", "last", "--force"]],
  ])("refuses .zoho-hooks/%s: %j", async (name, argv) => {
    const { cwd, isUntouched } = clonedProject(join(".zoho-hooks", name), !name.endsWith(".json"));
    await receiveLead(cwd);
    const { exitCode, err } = await run(argv, { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(cwd, ".zoho-hooks", name)} is a link`)]);
    expect(isUntouched()).toBe(true);
  });

  it("--learn writes no note through a link that has no target", async () => {
    const { cwd } = clonedProject(".zoho-hooks/learned/crm/guide/Leads.create.md", false);
    rmSync(join(cwd, "../outside"));
    await receiveLead(cwd);
    const { out } = await run(["events", "drift", "--learn", "--json"], { cwd });
    expect(out).toMatch(/nothing learned about crm Leads\.create: .*Leads\.create\.md is a link/);
    expect(existsSync(join(cwd, "../outside"))).toBe(false);
  });

  it.each([".env", ".gitignore", "zoho-hooks.config.json"])("init refuses %s and writes nothing", async (link) => {
    const { cwd, isUntouched } = clonedProject(link, false);
    const { exitCode, err } = await run(["init", "--yes", "--force", "--token", "none"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(cwd, link)} is a link`)]);
    expect(isUntouched()).toBe(true);
    expect(readdirSync(cwd)).toEqual([link]);
  });
});

/** The paths at or below these places that a command looks up on the disk, by a call that follows links. */
async function touching<T>(places: readonly string[], action: () => Promise<T>) {
  const touched: string[] = [];
  const { accessSync, existsSync, openSync, readdirSync, readFileSync, realpathSync, statSync } = fs;
  const calls = { accessSync, existsSync, openSync, readdirSync, readFileSync, realpathSync, statSync };
  const watched = Object.entries(calls).map(([name, call]) => {
    const watch = (path: unknown, ...rest: unknown[]): unknown => {
      if (places.some((place) => String(path) === place || String(path).startsWith(`${place}/`)))
        touched.push(`${name} ${path}`);
      return Reflect.apply(call, fs, [path, ...rest]);
    };
    return [name, watch];
  });
  Object.assign(fs, Object.fromEntries(watched));
  syncBuiltinESMExports();
  try {
    return { result: await action(), touched };
  } finally {
    Object.assign(fs, calls);
    syncBuiltinESMExports();
  }
}

const LINKED_PRODUCT = { products: { shop: { path: "shop" } } };

describe.skipIf(process.platform === "win32")("a link out of the project is refused without a look behind it:", () => {
  it.each<[link: string, settings: object, argv: readonly string[]]>([
    ["shop", LINKED_PRODUCT, ["products"]],
    ["shop", LINKED_PRODUCT, ["completion", "words", "--", "send", ""]],
    ["shop/fixtures", LINKED_PRODUCT, ["products"]],
    ["shop/fixtures/a.json", LINKED_PRODUCT, ["products"]],
    ["forms.json", { products: { forms: { schema: "forms.json" } } }, ["types"]],
    ["events.db", { store: "events.db" }, ["events", "list"]],
    [".zoho-hooks/fixtures", {}, ["fixtures", "list"]],
    [".zoho-hooks/fixtures/crm", {}, ["fixtures", "show", "crm", "Leads.create"]],
    [".zoho-hooks/fixtures/crm/wire/Leads.create.json", {}, ["send", "crm", "Leads.create", "--dry-run"]],
    ["types.d.ts", {}, ["types", "--out", "types.d.ts"]],
    ["key.pem", {}, ["verify", "-"]],
  ])("%s, %j, %j", async (link, settings, argv) => {
    const folder = tempFolder();
    const cwd = join(folder, "project");
    const outside = join(folder, "outside");
    mkdirSync(dirname(join(cwd, link)), { recursive: true });
    mkdirSync(join(outside, "fixtures"), { recursive: true });
    symlinkSync(outside, join(cwd, link));
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(settings));
    if (link === "key.pem") writeFileSync(join(cwd, ".env"), `ZOHO_WEBHOOK_PUBLIC_KEY=${link}\n`);
    const env = { XDG_CONFIG_HOME: join(folder, "home"), ZOHO_HOOKS_PORT: "1" };
    const { result, touched } = await touching([outside, join(cwd, link)], () => run(argv, { cwd, env, stdin: "{}" }));
    expect(touched).toEqual([]);
    if (argv[0] !== "completion")
      expect([result.exitCode, result.err]).toEqual([2, expect.stringMatching(/link|outside/)]);
    // Whether or not there is such a file.
    rmSync(outside, { recursive: true });
    expect((await run(argv, { cwd, env, stdin: "{}" })).exitCode).toBe(result.exitCode);
  });

  const LIST = ["events", "list"];
  it.each([
    [".zoho-hooks", LIST],
    [".zoho-hooks/keys", LIST],
    [".env", LIST],
    ["zoho-hooks.config.json", LIST],
    ["zoho-hooks.config.json", ["init", "--yes"]],
    [".gitignore", ["init", "--yes"]],
    [".zoho-hooks/.gitignore", ["listen", "--port", "0", "--tunnel", "none", "--timeout", "1ms"]],
    [".zoho-hooks/keys/private.pem", ["keygen"]],
    [".zoho-hooks/keys/jwks.json", ["keygen"]],
    [".zoho-hooks/fixtures/crm/guide/Leeds.create.json", ["send", "crm", "Leeds.create", "--format", "guide"]],
  ])("%s on another computer (%s)", async (link, argv) => {
    const cwd = tempFolder();
    mkdirSync(dirname(join(cwd, link)), { recursive: true });
    symlinkSync("\\\\server\\share", join(cwd, link));
    const { result, touched } = await touching([join(cwd, link)], () => run(argv, { cwd, env: {} }));
    expect([touched, result.exitCode]).toEqual([[], 2]);
    expect(result.err).toMatch(/is a link to another computer|is a link|has no known module/);
  });

  it("also where the text of a link seems to lead into the project", async () => {
    const folder = tempFolder();
    const cwd = join(folder, "project");
    mkdirSync(join(cwd, "shop/fixtures"), { recursive: true });
    mkdirSync(join(folder, "outside/within"), { recursive: true });
    writeFileSync(join(folder, "outside/private.json"), "{}");
    symlinkSync("../outside/within", join(cwd, "away"));
    symlinkSync("../../away/../private.json", join(cwd, "shop/fixtures/paid.json"));
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(LINKED_PRODUCT));
    const { exitCode, err } = await run(["products"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("paid.json is a link out of the project")]);
  });
});

describe.skipIf(process.platform === "win32")("types --out", () => {
  /** A clone with a project in it, a link out of it, and a user's link to it. */
  function clone() {
    const folder = tempFolder();
    const cwd = join(folder, "clone/app");
    const outside = join(folder, "outside");
    for (const path of [cwd, outside, join(folder, "clone/.git")]) mkdirSync(path, { recursive: true });
    symlinkSync("../outside", join(folder, "clone/src"));
    symlinkSync("../../outside", join(cwd, "src"));
    symlinkSync("clone", join(folder, "mine"));
    symlinkSync("mine/src", join(folder, "indirect"));
    return { folder, cwd, outside };
  }

  it.each([
    "src/z.d.ts",
    "../src/z.d.ts",
    "FOLDER/mine/app/src/z.d.ts",
    "FOLDER/mine/src/z.d.ts",
    "FOLDER/indirect/z.d.ts",
  ])("is not written through a link of the clone: %s", async (out) => {
    const { folder, cwd, outside } = clone();
    const { exitCode, err } = await run(["types", "mail", "--out", out.replace("FOLDER", folder)], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/clone\/(app\/)?src is a link, so a file outside/)]);
    expect(readdirSync(outside)).toEqual([]);
  });

  it("nor is a key of keygen --out", async () => {
    const { cwd, outside } = clone();
    const { exitCode, err } = await run(["keygen", "--out", "src"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("src is a link, so a file outside")]);
    expect(readdirSync(outside)).toEqual([]);
  });

  it("is written through the user's own links, into the project and elsewhere", async () => {
    const { folder, cwd, outside } = clone();
    symlinkSync("outside", join(folder, "elsewhere"));
    for (const name of ["mine/app", "elsewhere"])
      expect((await run(["types", "mail", "--out", join(folder, name, "z.d.ts")], { cwd })).exitCode).toBe(0);
    expect([existsSync(join(cwd, "z.d.ts")), readdirSync(outside)]).toEqual([true, ["z.d.ts"]]);
  });
});

describe("the folder of keys", () => {
  it.each([
    ["*\n!public.pem\n", "*\n!public.pem\n"],
    ["!*\n", "*\n"],
    ["*\n!*\n", "*\n"],
    ["*\n!private.pem\n", "*\n"],
  ])("with a .gitignore of %j has then %j", async (before, after) => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, KEYS), { recursive: true });
    writeFileSync(join(cwd, IGNORE), before);
    expect((await run(["keygen"], { cwd })).exitCode).toBe(0);
    expect(readFileSync(join(cwd, IGNORE), "utf8")).toBe(after);
  });
});
