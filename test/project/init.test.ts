import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import { answering } from "../support/answers.ts";
import { folderWith } from "../support/files.ts";
import { run, tempFolder } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
const FLAGS = [
  "--products",
  "crm,desk",
  "--format",
  "guide",
  "--port",
  "5005",
  "--target",
  "3000",
  "--secret",
  "generate",
  "--token",
  "none",
];

function read(cwd: string, name: string): string {
  return readFileSync(join(cwd, name), "utf8");
}

function variables(cwd: string): Record<string, string | undefined> {
  return parseEnv(read(cwd, ".env"));
}

describe("init", () => {
  it("writes config, .env and .gitignore from flags only", async () => {
    const cwd = tempFolder();
    const { exitCode, out, err } = await run(["init", ...FLAGS], { cwd });
    expect(exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({
      products: { crm: { format: "guide" }, desk: { format: "guide" } },
      allowUnsigned: ["crm"],
      port: 5005,
      forwardTo: "3000",
    });
    expect(read(cwd, ".env")).toMatch(/^ZOHO_WEBHOOK_SECRET=[0-9a-f]{48}\n$/);
    expect(read(cwd, ".gitignore")).toBe(".env\n.zoho-hooks/*\n!.zoho-hooks/fixtures/\n");
    expect(out).toMatch(/^created +zoho-hooks\.config\.json +products, allowUnsigned, port, forwardTo$/m);
    expect(out).toMatch(/^created +\.env +ZOHO_WEBHOOK_SECRET$/m);
    expect(err).toContain("Next: zoho-hooks listen");
    expect((await run(["config", "show", "--json"], { cwd })).lines()).toContainEqual(
      expect.objectContaining({ key: "forwardTo", value: ["3000"], origin: join(cwd, CONFIG) }),
    );
  });

  it.each([
    ["crm", "CRM workflow webhooks, which"],
    ["crm,recruit,forms", "CRM and Recruit workflow webhooks, which"],
  ])("names the webhooks of %s that are accepted unsigned", async (ids, words) => {
    const { err } = await run(["init", "--yes", "--products", ids]);
    expect(err).toContain(`${words} Zoho never signs, are accepted unsigned: see allowUnsigned in ${CONFIG}.`);
  });

  it("stores the default port only if it is given or was in the config", async () => {
    const portIn = async (argv: readonly string[], cwd = tempFolder()): Promise<unknown> => {
      expect((await run(["init", "--yes", ...argv], { cwd })).exitCode).toBe(0);
      return JSON.parse(read(cwd, CONFIG)).port;
    };
    expect(await portIn([])).toBeUndefined();
    expect(await portIn(["--port", "4460"])).toBe(4460);
    expect(await portIn([], folderWith({ [CONFIG]: '{"port": 4460}' }))).toBe(4460);
  });

  it("generates a new secret each time and never prints it", async () => {
    const seen = new Set<string>();
    for (const mode of [[], ["--json"]]) {
      const cwd = tempFolder();
      const { out, err } = await run(["init", "--yes", ...mode], { cwd });
      for (const value of Object.values(variables(cwd))) {
        expect(out + err).not.toContain(value);
        seen.add(value ?? "");
      }
    }
    expect(seen.size).toBe(4);
  });

  it.skipIf(process.platform === "win32")(
    "makes .env readable only by its owner when it writes secrets to it",
    async () => {
      const cwd = tempFolder();
      await run(["init", "--yes"], { cwd });
      expect(statSync(join(cwd, ".env")).mode & 0o777).toBe(0o600);
      const other = folderWith({ ".env": "A=1\n" });
      chmodSync(join(other, ".env"), 0o644);
      await run(["init", "--yes"], { cwd: other });
      expect(statSync(join(other, ".env")).mode & 0o777).toBe(0o600);
      expect(variables(other)).toHaveProperty("ZOHO_WEBHOOK_SECRET");
    },
  );

  it("changes nothing the second time", async () => {
    const cwd = tempFolder();
    await run(["init", ...FLAGS], { cwd });
    const files = [CONFIG, ".env", ".gitignore"];
    const before = files.map((name) => read(cwd, name));
    for (const argv of [FLAGS, ["--yes", "--token", "none"]]) {
      const { exitCode, lines } = await run(["init", ...argv, "--json"], { cwd });
      expect(exitCode).toBe(0);
      expect(lines().map(({ action }) => action)).toEqual(["unchanged", "unchanged", "unchanged"]);
    }
    expect(files.map((name) => read(cwd, name))).toEqual(before);
  });

  it("appends to .env without changing a byte", async () => {
    const old = Buffer.from("# caf\xe9\r\nDB='a b'\r\nZOHO_WEBHOOK_TOKEN=mine", "latin1");
    const cwd = folderWith({ ".env": old });
    const { lines } = await run(["init", "--yes", "--json"], { cwd });
    const now = readFileSync(join(cwd, ".env"));
    expect(now.subarray(0, old.length)).toEqual(old);
    expect(now.subarray(old.length).toString()).toMatch(/^\r\nZOHO_WEBHOOK_SECRET=[0-9a-f]{48}\r\n$/);
    expect(lines()).toContainEqual(expect.objectContaining({ action: "changed", entries: ["ZOHO_WEBHOOK_SECRET"] }));
  });

  it.each([
    ["ZOHO_WEBHOOK_JWKS", "ZOHO_WEBHOOK_JWKS='https://keys.example.com/?"],
    ["ZOHO_HOOKS_PUBLIC_URL", "ZOHO_HOOKS_PUBLIC_URL='https://hooks.example.com/\n"],
    ["APP_NAME", "APP_NAME='shop\n"],
  ])("appends no secret after an open quote of %s", async (name, old) => {
    const cwd = folderWith({ ".env": old, token: "Sh0p!hook" });
    const { exitCode, err } = await run(["init", "--yes", "--token", "token"], { cwd });
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining(`.env:1: the quoted value of ${name} continues over lines`),
    ]);
    expect(read(cwd, ".env")).toBe(old);
    expect(existsSync(join(cwd, CONFIG))).toBe(false);
  });

  it("keeps an existing secret, and says so", async () => {
    const cwd = folderWith({ ".env": "ZOHO_WEBHOOK_SECRET=mine\n" });
    const { out } = await run(["init", "--yes", "--secret", "generate"], { cwd });
    expect(variables(cwd).ZOHO_WEBHOOK_SECRET).toBe("mine");
    expect(out).toMatch(/^changed +\.env +ZOHO_WEBHOOK_TOKEN, ZOHO_WEBHOOK_SECRET left as it was$/m);
  });

  it("warns that an existing secret stays in use", async () => {
    const cwd = folderWith({ ".env": "ZOHO_WEBHOOK_TOKEN=abc\n" });
    const { out, err } = await run(["init", ...FLAGS], { cwd });
    expect(variables(cwd).ZOHO_WEBHOOK_TOKEN).toBe("abc");
    expect(out).toContain("ZOHO_WEBHOOK_TOKEN left as it was");
    expect(err).toContain(
      "ZOHO_WEBHOOK_TOKEN in .env stays in use: init removes no secrets\n  delete its line to turn the check off",
    );
    const env = { ZOHO_WEBHOOK_SECRET: "abc" };
    const none = await run(["init", "--yes", "--secret", "none", "--token", "none"], { env });
    expect(none.err).toContain("ZOHO_WEBHOOK_SECRET in the environment stays in use");
    expect(none.out).not.toMatch(/^unchanged/m);
  });

  it("fills in an empty entry", async () => {
    const cwd = folderWith({ ".env": "A=1\nZOHO_WEBHOOK_SECRET=\nB=2\n" });
    await run(["init", "--yes", "--token", "none"], { cwd });
    expect(read(cwd, ".env")).toMatch(/^A=1\nB=2\nZOHO_WEBHOOK_SECRET=[0-9a-f]{48}\n$/);
  });

  it.each(["plain-1", "with space # and hash", "it's", 'say "it\'s"', "$HOME \\n", "=="])(
    "writes the secret %j from a file so that it reads back the same",
    async (value) => {
      const cwd = folderWith({ "secret.txt": `${value}\n` });
      await run(["init", "--yes", "--secret", "secret.txt"], { cwd });
      expect(variables(cwd).ZOHO_WEBHOOK_SECRET).toBe(value);
    },
  );

  it("rejects a secret that .env cannot hold, and writes nothing", async () => {
    const cwd = tempFolder();
    const { exitCode, err } = await run(["init", "--yes", "--secret", "-"], { cwd, stdin: "two\nlines" });
    expect(exitCode).toBe(2);
    expect(err).toContain("cannot be written into .env");
    expect(existsSync(join(cwd, CONFIG)) || existsSync(join(cwd, ".gitignore"))).toBe(false);
  });

  it("does not print a secret that was given instead of a file name", async () => {
    const { exitCode, err } = await run(["init", "--yes", "--secret", "hush-hush"]);
    expect(exitCode).toBe(2);
    expect(err).not.toContain("hush-hush");
    expect(err).toContain("--secret takes generate, none, the name of a file");
  });

  it("asks only for credentials that the products use", async () => {
    const cwd = tempFolder();
    const flags = ["--format", "wire", "--port", "4460", "--target", "none", "--secret", "generate"];
    await run(["init", "--products", "books", ...flags], { cwd });
    expect(Object.keys(variables(cwd))).toEqual(["ZOHO_WEBHOOK_SECRET"]);
  });

  it("names every missing flag without a terminal, and writes nothing", async () => {
    const cwd = tempFolder();
    const { exitCode, err } = await run(["init", "--port", "4460"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain("no terminal to ask for --products, --format, --target, --secret, --token");
    expect(err).toContain("--yes");
    expect(existsSync(join(cwd, CONFIG))).toBe(false);
  });

  it.each([
    [["--products", "crm,desc"], "did you mean desk?"],
    [["--products", ","], "--products is empty"],
    [["--format", "wier"], "none of the products that you use has a format"],
    [["--format", "signals=guide"], "signals has no format"],
    [["--products", "crm", "--format", "desk=wire"], "add it: --products crm,desk"],
    [["--products", "desk", "--format", "workflow"], "formats: wire, guide"],
    [["--port", "99999"], "--port"],
    [["--target", "/hooks"], "--target"],
    [["--target", "ftp://host/x"], "--target"],
  ])("%j is a usage error", async (argv, message) => {
    const { exitCode, err } = await run(["init", "--yes", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  it("keeps other settings, and requires --force to change the file", async () => {
    const cwd = folderWith({
      [CONFIG]: '{"schema": "enforce", "products": {"crm": {"format": "guide"}}, "port": 7000}',
    });
    const refused = await run(["init", "--yes", "--port", "7001"], { cwd });
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain("port in zoho-hooks.config.json would be changed");
    expect(existsSync(join(cwd, ".env"))).toBe(false);
    expect((await run(["init", "--yes", "--port", "7001", "--force"], { cwd })).exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({
      schema: "enforce",
      products: { crm: { format: "guide" } },
      port: 7001,
    });
  });

  it("overwrites a broken config file only with --force", async () => {
    const cwd = folderWith({ [CONFIG]: "{broken" });
    const { exitCode, err } = await run(["init", "--yes"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`${CONFIG}:1:2`);
    expect(read(cwd, CONFIG)).toBe("{broken");
    expect((await run(["init", "--yes", "--force"], { cwd })).exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({ allowUnsigned: expect.anything() });
  });

  it.each([[".env*\n.zoho-hooks/"], ["/.env\n/.zoho-hooks\n"], [".env\n.zoho-hooks/\n!.env.example\n"]])(
    "does not change a .gitignore with %j",
    async (text) => {
      const cwd = folderWith({ ".gitignore": text });
      await run(["init", "--yes"], { cwd });
      expect(read(cwd, ".gitignore")).toBe(text);
    },
  );

  it.each([".env/\n", "  .env\n", ".[a-d]nv\n", ".env\t\n", ".env\0\n", ".ENV\n"])(
    "ignores .env after a .gitignore with %j, which does not",
    async (text) => {
      const cwd = folderWith({ ".gitignore": `.zoho-hooks/\n${text}` });
      for (let i = 0; i < 2; i++) await run(["init", "--yes"], { cwd });
      expect(read(cwd, ".gitignore")).toBe(`.zoho-hooks/\n${text}.env\n`);
    },
  );

  it.skipIf(process.platform === "win32")("refuses a .gitignore that is a link, which Git does not read", async () => {
    const cwd = folderWith({ ignores: ".env\n.zoho-hooks\n" });
    symlinkSync("ignores", join(cwd, ".gitignore"));
    const { exitCode, err } = await run(["init", "--yes"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(".gitignore is a link")]);
    expect(existsSync(join(cwd, ".env"))).toBe(false);
  });

  it("warns that the environment overrides the .env it wrote", async () => {
    const cwd = tempFolder();
    const env = { ZOHO_WEBHOOK_SECRET: "from-the-shell" };
    const { err } = await run(["init", "--yes", "--secret", "generate"], { cwd, env });
    expect(err).toContain("warning: ZOHO_WEBHOOK_SECRET is also set in the environment, which overrides .env");
    const quiet = await run(["init", "--yes"], { cwd: tempFolder(), env });
    expect(quiet.err).not.toContain("warning");
  });
});

describe("init in a repository", () => {
  const TRACKED = "warning: Git tracks .env, so your next commit could contain the secrets in it";

  it("warns where Git tracks the .env that it writes a secret to, and says what to do", async () => {
    const cwd = folderWith({ ".env": "A=1\n" });
    const init = async () =>
      (await run(["init", "--yes", "--force"], { cwd, env: { PATH: process.env.PATH ?? "" } })).err;
    expect(await init()).not.toContain("Git tracks");
    execFileSync("git", ["init", "--quiet"], { cwd });
    expect(await init()).not.toContain("Git tracks");
    execFileSync("git", ["add", "--force", ".env"], { cwd });
    const warned = await init();
    expect(warned).toContain(`${TRACKED}\n  run git rm --cached .env, which leaves the file on your disk`);
    execFileSync("git", ["rm", "--quiet", "--cached", ".env"], { cwd });
    expect(await init()).not.toContain("Git tracks");
  });

  it("warns in a folder of the repository, and not without Git", async () => {
    const clone = folderWith({ "app/.env": "A=1\n" });
    const init = async (PATH = "") =>
      (await run(["init", "--yes", "--force"], { cwd: join(clone, "app"), env: { PATH } })).err;
    execFileSync("git", ["init", "--quiet"], { cwd: clone });
    execFileSync("git", ["add", "--force", "."], { cwd: clone });
    expect(await init(process.env.PATH)).toContain(TRACKED);
    expect(await init("/nowhere")).not.toContain("Git tracks");
  });

  it.skipIf(process.platform === "win32")("runs no program that the repository's settings name", async () => {
    const cwd = folderWith({ ".env": "A=1\n", "hook.sh": "#!/bin/sh\ntouch hooked\n" });
    chmodSync(join(cwd, "hook.sh"), 0o755);
    execFileSync("git", ["init", "--quiet"], { cwd });
    execFileSync("git", ["add", "--force", ".env"], { cwd });
    execFileSync("git", ["config", "core.fsmonitor", join(cwd, "hook.sh")], { cwd });
    const { err } = await run(["init", "--yes", "--force"], { cwd, env: { PATH: process.env.PATH ?? "" } });
    expect([err, existsSync(join(cwd, "hooked"))]).toEqual([expect.stringContaining(TRACKED), false]);
  });

  it.skipIf(process.platform === "win32").each([
    ["in .git", ".git"],
    ["among its files, as a clone may bring it", "."],
  ])("fetches nothing for a repository %s, which could name any program for that", async (_, place) => {
    const cwd = folderWith({ ".env": "A=1\n", "in/a": "", "out/b": "" });
    const git = (...argv: readonly string[]) => execFileSync("git", argv, { cwd, encoding: "utf8", stdio: "pipe" });
    const config = (name: string, value: string) => git("config", "--file", join(place, "config"), name, value);
    git("init", "--quiet");
    git("add", "--force", ".");
    git("-c", "user.name=a", "-c", "user.email=a@test", "commit", "--quiet", "--message", "a");
    // The index names the tree of `out`, and the tree itself is missing.
    git("sparse-checkout", "init", "--cone", "--sparse-index");
    git("sparse-checkout", "set", "in");
    const tree = git("rev-parse", "HEAD:out");
    rmSync(join(cwd, ".git/objects", tree.slice(0, 2), tree.slice(2, 40)));
    for (const name of place === "." ? readdirSync(join(cwd, ".git")) : [])
      renameSync(join(cwd, ".git", name), join(cwd, name));
    if (place === ".") rmSync(join(cwd, ".git"), { recursive: true });
    config("core.repositoryFormatVersion", "1");
    config("core.worktree", cwd);
    config("extensions.partialClone", "origin");
    config("remote.origin.promisor", "true");
    config("remote.origin.url", `ext::sh -c touch% ${join(cwd, "hooked")}`);
    config("protocol.ext.allow", "always");
    await run(["init", "--yes", "--force"], { cwd, env: { PATH: process.env.PATH ?? "" } });
    expect(existsSync(join(cwd, "hooked"))).toBe(false);
  });
});

describe("init --format", () => {
  const products = async (argv: readonly string[], cwd = tempFolder()): Promise<unknown> => {
    expect((await run(["init", "--yes", ...argv], { cwd })).exitCode).toBe(0);
    return JSON.parse(read(cwd, CONFIG)).products;
  };

  it.each([
    ["crm,desk,signals", "wire", { crm: { format: "wire" }, desk: { format: "wire" }, signals: {} }],
    ["crm,desk", "workflow", { crm: { format: "workflow" }, desk: {} }],
    ["crm,desk", "crm=wire,desk=guide", { crm: { format: "wire" }, desk: { format: "guide" } }],
    ["crm,desk", "DESK=Wire", { crm: {}, desk: { format: "wire" } }],
  ])("for %s, stores %s for the products that have it", async (ids, format, expected) => {
    expect(await products(["--products", ids, "--format", format])).toEqual(expected);
  });

  it("sets the format that send uses", async () => {
    const cwd = tempFolder();
    await products(["--products", "desk", "--format", "wire"], cwd);
    const { lines } = await run(["send", "desk", "--all", "--dry-run", "--json"], { cwd });
    expect(new Set(lines().map(({ format }) => format))).toEqual(new Set(["wire"]));
  });

  it("names all products if their format is not the default, else none", async () => {
    expect(await products(["--products", "all", "--format", "guide"])).toMatchObject({
      crm: { format: "guide" },
      books: { format: "guide" },
      signals: {},
    });
    for (const all of ["all", "ALL", "all,crm"])
      expect(await products(["--products", all, "--format", "wire"])).toBeUndefined();
    expect(await products([])).toBeUndefined();
  });

  it("keeps an existing format, and requires --force to overwrite it", async () => {
    const cwd = folderWith({ [CONFIG]: '{"products": {"crm": {"format": "wire"}, "desk": {}}, "port": 4460}' });
    expect(await products(["--products", "crm,desk"], cwd)).toEqual({ crm: { format: "wire" }, desk: {} });
    const flags = ["--products", "crm,desk", "--format", "guide"];
    const { exitCode, err } = await run(["init", "--yes", ...flags], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain("products, products.crm.format in zoho-hooks.config.json would be changed");
    expect(await products([...flags, "--force"], cwd)).toEqual({
      crm: { format: "guide" },
      desk: { format: "guide" },
    });
  });

  it("keeps existing formats when all products are chosen", async () => {
    const cwd = folderWith({ [CONFIG]: '{"products": {"crm": {"format": "wire"}}, "port": 4460}' });
    expect(await products(["--products", "all", "--force"], cwd)).toMatchObject({ crm: { format: "wire" }, desk: {} });
  });
});

describe("init at a terminal", () => {
  const answers = {
    "Which products": ["crm"],
    "Webhooks Guide": true,
    "never signs": true,
    "Which port": "4461",
    "your app": "http://localhost:3000/hooks",
    "ZOHO_WEBHOOK_SECRET, which": "enter",
    "ZOHO_WEBHOOK_TOKEN, which": "none",
    ZOHO_WEBHOOK_SECRET: "typed-secret",
    "AGENTS.md": false,
  };

  it("asks for everything without a flag", async () => {
    const cwd = tempFolder();
    const asked: string[] = [];
    const { exitCode, out, err } = await run(["init", "--port", "4462"], { cwd, prompts: answering(answers, asked) });
    expect(exitCode).toBe(0);
    expect(asked).toContain("Was your handler written after the Webhooks Guide for Zoho APIs?");
    expect(asked.some((question) => question.includes("Which port"))).toBe(false);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({
      products: { crm: { format: "guide" } },
      allowUnsigned: ["crm"],
      port: 4462,
      forwardTo: "http://localhost:3000/hooks",
    });
    expect(read(cwd, ".env")).toBe("ZOHO_WEBHOOK_SECRET=typed-secret\n");
    expect(out + err).not.toContain("typed-secret");
    expect(existsSync(join(cwd, "AGENTS.md"))).toBe(false);
  });

  it("adds a paragraph for coding agents to AGENTS.md, and does not ask again", async () => {
    const cwd = tempFolder();
    const { out } = await run(["init"], { cwd, prompts: answering({ ...answers, "AGENTS.md": true }) });
    expect(out).toMatch(/^created +AGENTS\.md +Zoho webhooks$/m);
    expect(read(cwd, "AGENTS.md")).toMatch(/^## Zoho webhooks\n\nTest them with `npx --no-install zoho-hooks`\./);
    const before = read(cwd, "AGENTS.md");
    const asked: string[] = [];
    await run(["init"], { cwd, prompts: answering(answers, asked) });
    await run(["init", "--yes"], { cwd });
    expect(asked.join()).not.toContain("AGENTS.md");
    expect(read(cwd, "AGENTS.md")).toBe(before);
  });

  it.each([true, false])("asks before it changes a config file; the answer is %s", async (yes) => {
    const cwd = folderWith({ [CONFIG]: '{"port": 7000}\n' });
    const prompts = answering({ ...answers, "Change products, allowUnsigned, port, forwardTo in": yes });
    const { exitCode, err } = await run(["init"], { cwd, prompts });
    expect(exitCode).toBe(yes ? 0 : 2);
    expect(read(cwd, CONFIG).includes("4461")).toBe(yes);
    expect(existsSync(join(cwd, ".env"))).toBe(yes);
    if (!yes) expect(err).toContain("nothing was written");
  });

  it.each([
    ["workflow", false, "workflow"],
    ["workflow", true, "guide"],
    ["guide", true, "guide"],
    ["guide", false, "wire"],
  ])("asks before it changes the format %s; the answer is %s", async (format, answer, expected) => {
    const settings = { products: { crm: { format }, sign: {} }, allowUnsigned: [], port: 4461 };
    const cwd = folderWith({ [CONFIG]: JSON.stringify(settings) });
    const asked: string[] = [];
    const ids = { "Which products": ["crm", "sign"] };
    const all = { ...answers, ...ids, "your app": "none", "Webhooks Guide": answer, "Change products": true };
    const { exitCode } = await run(["init"], { cwd, prompts: answering(all, asked) });
    expect(exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG)).products).toEqual({ crm: { format: expected }, sign: {} });
    const confirmed = asked.filter((question) => question.startsWith("Change"));
    expect(confirmed).toEqual(
      expected === format ? [] : ["Change products, products.crm.format in zoho-hooks.config.json?"],
    );
  });

  it("stores no format for who has not written it after the guide", async () => {
    const cwd = tempFolder();
    const prompts = answering({ ...answers, "Webhooks Guide": false });
    expect((await run(["init"], { cwd, prompts })).exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG)).products).toEqual({ crm: {} });
  });

  it("does not ask after the guide where no product is in it", async () => {
    const asked: string[] = [];
    const only = { ...answers, "Which products": ["signals"] };
    const cwd = tempFolder();
    expect((await run(["init"], { cwd, prompts: answering(only, asked) })).exitCode).toBe(0);
    expect(asked.join()).not.toContain("Webhooks Guide");
    expect(JSON.parse(read(cwd, CONFIG)).products).toEqual({ signals: {} });
  });

  it("stores no product when unsigned bodies are not to be accepted, and does not ask again", async () => {
    const cwd = tempFolder();
    const asked: string[] = [];
    const strict = { ...answers, "Which products": ["crm", "desk"], "never signs": false };
    expect((await run(["init"], { cwd, prompts: answering(strict, asked) })).exitCode).toBe(0);
    expect(asked).toContain("Zoho never signs webhooks whose body you design (crm). Accept them unsigned?");
    expect(JSON.parse(read(cwd, CONFIG)).allowUnsigned).toEqual([]);
    const again: string[] = [];
    await run(["init"], { cwd, prompts: answering(strict, again) });
    expect(again.join()).not.toContain("never signs");
  });

  it("adds it with --yes only where there is an AGENTS.md, below what is there", async () => {
    const old = "# Rules\r\n\r\nBe brief.";
    const cwd = folderWith({ "AGENTS.md": old });
    expect((await run(["init", "--yes"], { cwd })).exitCode).toBe(0);
    expect(read(cwd, "AGENTS.md")).toMatch(/^# Rules\r\n\r\nBe brief\.\r\n\r\n## Zoho webhooks\r\n[\s\S]*fails\.\r\n$/);
    const none = tempFolder();
    await run(["init", "--yes"], { cwd: none });
    expect(existsSync(join(none, "AGENTS.md"))).toBe(false);
  });

  it.skipIf(process.platform === "win32")("leaves an AGENTS.md alone that is a link", async () => {
    const cwd = folderWith({ "CLAUDE.md": "# Rules\n" });
    symlinkSync("CLAUDE.md", join(cwd, "AGENTS.md"));
    expect((await run(["init", "--yes"], { cwd })).exitCode).toBe(0);
    expect(read(cwd, "CLAUDE.md")).toBe("# Rules\n");
  });

  it("asks nothing with --yes", async () => {
    const asked: string[] = [];
    await run(["init", "--yes"], { prompts: answering({}, asked) });
    expect(asked).toEqual([]);
  });

  it("names the file that cannot be written", async () => {
    const cwd = folderWith({ "zoho-hooks.config.json/x": "" });
    const { exitCode, err } = await run(["init", "--yes"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(CONFIG);
  });
});
