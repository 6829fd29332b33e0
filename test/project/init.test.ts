import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import type { Prompts } from "../../src/process/prompts.ts";
import { answering } from "../support/answers.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
const EXAMPLE = ".env.example";
const FLAGS = ["--products", "crm,books", "--target", "3000"];

function read(cwd: string, name: string): string {
  return readFileSync(join(cwd, name), "utf8");
}

function variables(cwd: string): Record<string, string | undefined> {
  return parseEnv(read(cwd, ".env"));
}

describe("init", () => {
  it("writes config, .env, .env.example and .gitignore from flags only", async () => {
    const cwd = tempFolder();
    const { exitCode, out, err } = await run(["init", ...FLAGS], { cwd });
    expect(exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({ products: { crm: {}, books: {} }, forwardTo: "3000" });
    expect(read(cwd, ".env")).toMatch(/^ZOHO_WEBHOOK_TOKEN=[0-9a-f]{48}\nZOHO_WEBHOOK_SECRET=[0-9a-f]{48}\n$/);
    expect(read(cwd, EXAMPLE)).toMatch(/^# .*\nZOHO_WEBHOOK_TOKEN=\nZOHO_WEBHOOK_SECRET=\n$/);
    expect(read(cwd, ".gitignore")).toBe(".env\n.zoho-hooks/*\n!.zoho-hooks/fixtures/\n");
    expect(out).toMatch(/^created +zoho-hooks\.config\.json +products, forwardTo$/m);
    expect(out).toMatch(/^created +\.env +ZOHO_WEBHOOK_TOKEN, ZOHO_WEBHOOK_SECRET$/m);
    expect(err).toContain("Next: zoho-hooks listen");
    expect((await run(["config", "show", "--json"], { cwd })).lines()).toContainEqual(
      expect.objectContaining({ key: "forwardTo", value: ["3000"], origin: join(cwd, CONFIG) }),
    );
  });

  it.each([
    [
      "crm",
      'webhooks of CRM whose body you design, so listen rejects them. To accept them: "allowUnsigned": ["crm"] in',
    ],
    ["crm,recruit,forms", "webhooks of CRM and Recruit whose body you design, so listen rejects them. To accept"],
  ])("names the setting that accepts custom bodies of %s, and does not write it", async (ids, words) => {
    const cwd = tempFolder();
    const { err } = await run(["init", "--yes", "--products", ids], { cwd });
    expect(err).toContain(words);
    expect(JSON.parse(read(cwd, CONFIG)).allowUnsigned).toBeUndefined();
    const set = folderWith({
      [CONFIG]: '{"products":{"crm":{}},"allowUnsigned":[]}',
      ".env": "ZOHO_WEBHOOK_TOKEN=mine\n",
    });
    expect((await run(["init", "--yes"], { cwd: set })).err).not.toContain("allowUnsigned");
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

  it.skipIf(lacks("posix"))("makes .env readable only by its owner when it writes secrets to it", async () => {
    const cwd = tempFolder();
    await run(["init", "--yes"], { cwd });
    expect(statSync(join(cwd, ".env")).mode & 0o777).toBe(0o600);
    const other = folderWith({ ".env": "A=1\n" });
    chmodSync(join(other, ".env"), 0o644);
    await run(["init", "--yes"], { cwd: other });
    expect(statSync(join(other, ".env")).mode & 0o777).toBe(0o600);
    expect(variables(other)).toHaveProperty("ZOHO_WEBHOOK_SECRET");
  });

  it("changes nothing the second time", async () => {
    const cwd = tempFolder();
    await run(["init", ...FLAGS], { cwd });
    const files = [CONFIG, ".env", EXAMPLE, ".gitignore"];
    const before = files.map((name) => read(cwd, name));
    for (const argv of [FLAGS, ["--yes"], []]) {
      const { exitCode, lines } = await run(["init", ...argv, "--json"], { cwd });
      expect(exitCode).toBe(0);
      expect(lines().map(({ action }) => action)).toEqual(files.map(() => "unchanged"));
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

  it("appends to an .env.example what it lacks", async () => {
    const cwd = folderWith({ [EXAMPLE]: "DB=\nZOHO_WEBHOOK_TOKEN=" });
    await run(["init", "--yes"], { cwd });
    expect(read(cwd, EXAMPLE)).toMatch(/^DB=\nZOHO_WEBHOOK_TOKEN=\n# .*\nZOHO_WEBHOOK_SECRET=\n$/);
  });

  it.each([
    ["ZOHO_WEBHOOK_JWKS", "ZOHO_WEBHOOK_JWKS='https://keys.example.com/?"],
    ["ZOHO_HOOKS_PUBLIC_URL", "ZOHO_HOOKS_PUBLIC_URL='https://hooks.example.com/\n"],
    ["APP_NAME", "APP_NAME='shop\n"],
  ])("appends no secret after an open quote of %s", async (name, old) => {
    const cwd = folderWith({ ".env": old, [CONFIG]: '{"products":{"bigin":{}}}' });
    // A value that needs quotes would close the open one.
    const answers = { "is not in .env": "enter", ZOHO_WEBHOOK_TOKEN: "Sh0p!hook" };
    const { exitCode, err } = await run(["init"], { cwd, prompts: answering(answers) });
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining(`.env:1: the quoted value of ${name} continues over lines`),
    ]);
    expect(read(cwd, ".env")).toBe(old);
    expect(existsSync(join(cwd, EXAMPLE))).toBe(false);
  });

  it("keeps an existing secret, also one in the environment or in a file", async () => {
    const cwd = folderWith({ ".env": "ZOHO_WEBHOOK_SECRET=mine\n", token: "t" });
    const env = { ZOHO_WEBHOOK_TOKEN_FILE: "token" };
    const { out } = await run(["init", "--yes"], { cwd, env });
    expect(read(cwd, ".env")).toBe("ZOHO_WEBHOOK_SECRET=mine\n");
    expect(out).toMatch(/^unchanged +\.env$/m);
  });

  it("fills in an empty entry", async () => {
    const cwd = folderWith({ ".env": "A=1\nZOHO_WEBHOOK_SECRET=\nB=2\nZOHO_WEBHOOK_TOKEN=mine\n" });
    await run(["init", "--yes"], { cwd });
    expect(read(cwd, ".env")).toMatch(/^A=1\nB=2\nZOHO_WEBHOOK_TOKEN=mine\nZOHO_WEBHOOK_SECRET=[0-9a-f]{48}\n$/);
  });

  it.each([
    ["books", ["ZOHO_WEBHOOK_SECRET"], ["ZOHO_WEBHOOK_SECRET"]],
    ["crm,desk", ["ZOHO_WEBHOOK_TOKEN"], ["ZOHO_WEBHOOK_JWKS", "ZOHO_WEBHOOK_TOKEN"]],
    ["forms,mail", [], []],
    ["all", ["ZOHO_WEBHOOK_SECRET", "ZOHO_WEBHOOK_TOKEN"], ["ZOHO_WEBHOOK_SECRET", "ZOHO_WEBHOOK_TOKEN"]],
  ])("for %s, writes the secrets %j, and names %j in the example", async (products, secrets, names) => {
    const cwd = tempFolder();
    const { err } = await run(["init", "--yes", "--products", products], { cwd });
    const inFile = (name: string) =>
      existsSync(join(cwd, name)) ? Object.keys(parseEnv(read(cwd, name))).toSorted() : [];
    expect([inFile(".env"), inFile(EXAMPLE)]).toEqual([secrets, names]);
    for (const name of names.filter((each) => !secrets.includes(each))) expect(err).toContain(`not set: ${name}`);
  });

  it("names every missing flag without a terminal, and writes nothing", async () => {
    const cwd = tempFolder();
    const { exitCode, err } = await run(["init"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("no terminal to ask for --products and --target")]);
    expect(err).toContain("--yes");
    expect((await run(["init", "--target", "none"], { cwd })).err).toContain("no terminal to ask for --products\n");
    expect(existsSync(join(cwd, CONFIG))).toBe(false);
  });

  it.each([
    [["--products", "crm,desc"], "did you mean desk?"],
    [["--products", ","], "--products is empty"],
    [["--target", "/hooks"], "--target"],
    [["--target", "ftp://host/x"], "--target"],
  ])("%j is a usage error", async (argv, message) => {
    const { exitCode, err } = await run(["init", "--yes", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  it("keeps other settings, and requires --force to change the file", async () => {
    const cwd = folderWith({
      [CONFIG]: '{"schema": "enforce", "products": {"crm": {"format": "guide"}}, "port": 7000, "forwardTo": 3000}',
    });
    const refused = await run(["init", "--yes", "--target", "none"], { cwd });
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain("forwardTo in zoho-hooks.config.json would be changed");
    expect(existsSync(join(cwd, EXAMPLE))).toBe(false);
    expect((await run(["init", "--yes", "--target", "none", "--force"], { cwd })).exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({
      schema: "enforce",
      products: { crm: { format: "guide" } },
      port: 7000,
    });
    expect((await run(["init", "--products", "crm,desk", "--force"], { cwd })).exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG)).products).toEqual({ crm: { format: "guide" }, desk: {} });
  });

  it("overwrites a broken config file only with --force", async () => {
    const cwd = folderWith({ [CONFIG]: "{broken" });
    const { exitCode, err } = await run(["init", "--yes"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`${CONFIG}:1:2`);
    expect(read(cwd, CONFIG)).toBe("{broken");
    expect((await run(["init", "--yes", "--force"], { cwd })).exitCode).toBe(0);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({});
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

  it.skipIf(lacks("posix"))("refuses a .gitignore that is a link, which Git does not read", async () => {
    const cwd = folderWith({ ignores: ".env\n.zoho-hooks\n" });
    symlinkSync("ignores", join(cwd, ".gitignore"));
    const { exitCode, err } = await run(["init", "--yes"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(".gitignore is a link")]);
    expect(existsSync(join(cwd, ".env"))).toBe(false);
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

  it.skipIf(lacks("posix"))("runs no program that the repository's settings name", async () => {
    const cwd = folderWith({ ".env": "A=1\n", "hook.sh": "#!/bin/sh\ntouch hooked\n" });
    chmodSync(join(cwd, "hook.sh"), 0o755);
    execFileSync("git", ["init", "--quiet"], { cwd });
    execFileSync("git", ["add", "--force", ".env"], { cwd });
    execFileSync("git", ["config", "core.fsmonitor", join(cwd, "hook.sh")], { cwd });
    const { err } = await run(["init", "--yes", "--force"], { cwd, env: { PATH: process.env.PATH ?? "" } });
    expect([err, existsSync(join(cwd, "hooked"))]).toEqual([expect.stringContaining(TRACKED), false]);
  });

  it.skipIf(lacks("posix")).each([
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

describe("init in a project that has a config file, as a clone has", () => {
  const clone = (files: Readonly<Record<string, string>> = {}) =>
    folderWith({ [CONFIG]: '{"products":{"crm":{},"desk":{}},"forwardTo":"3000"}\n', ...files });

  it("asks only for the secrets that .env lacks", async () => {
    const cwd = clone({ ".env": "ZOHO_WEBHOOK_TOKEN=mine\n" });
    const before = read(cwd, CONFIG);
    const asked: string[] = [];
    const answers = { "ZOHO_WEBHOOK_JWKS is not": "enter", ZOHO_WEBHOOK_JWKS: "eu" };
    const { exitCode } = await run(["init"], { cwd, prompts: answering(answers, asked) });
    expect([exitCode, asked]).toEqual([0, ["ZOHO_WEBHOOK_JWKS is not in .env:", "ZOHO_WEBHOOK_JWKS"]]);
    expect(read(cwd, ".env")).toBe("ZOHO_WEBHOOK_TOKEN=mine\nZOHO_WEBHOOK_JWKS=eu\n");
    expect(read(cwd, CONFIG)).toBe(before);
    const again: string[] = [];
    await run(["init"], { cwd, prompts: answering({}, again) });
    expect(again).toEqual([]);
  });

  it("offers first to enter the one that the team has", async () => {
    const offered: (readonly string[])[] = [];
    const prompts = {
      ...answering({}),
      choose: async ({ choices, initial }: Parameters<Prompts["choose"]>[0]) => {
        offered.push([...choices.map(({ value }) => value), `initial ${initial}`]);
        return "none";
      },
    };
    const cwd = clone();
    expect((await run(["init"], { cwd, prompts })).exitCode).toBe(0);
    // Zoho makes the keys of Desk.
    expect(offered).toEqual([
      ["enter", "generate", "none", "initial enter"],
      ["enter", "none", "initial enter"],
    ]);
    expect(existsSync(join(cwd, ".env"))).toBe(false);
  });

  it("asks for what .env.example names, too", async () => {
    const cwd = clone({ [EXAMPLE]: "DB=\nZOHO_WEBHOOK_SECRET_FORMS=\n" });
    const asked: string[] = [];
    await run(["init"], { cwd, prompts: answering({ "is not in .env": "generate" }, asked) });
    expect(asked).toContain("ZOHO_WEBHOOK_SECRET_FORMS is not in .env:");
    expect(variables(cwd).ZOHO_WEBHOOK_SECRET_FORMS).toMatch(/^[0-9a-f]{48}$/);
  });

  it("generates none with --yes, which would be another one than the team's, and says what is missing", async () => {
    const cwd = clone();
    const { exitCode, err } = await run(["init", "--yes"], { cwd });
    expect([exitCode, err]).toEqual([0, expect.stringContaining("not set: ZOHO_WEBHOOK_TOKEN, ZOHO_WEBHOOK_JWKS, so")]);
    expect(existsSync(join(cwd, ".env"))).toBe(false);
    expect(read(cwd, EXAMPLE)).toMatch(/\nZOHO_WEBHOOK_TOKEN=\nZOHO_WEBHOOK_JWKS=\n$/);
  });

  it.each(["plain-1", "with space # and hash", "it's", 'say "it\'s"', "$HOME \\n", "=="])(
    "writes the entered secret %j so that it reads back the same",
    async (value) => {
      const cwd = folderWith({ [CONFIG]: '{"products":{"books":{}}}' });
      const answers = { "is not in .env": "enter", ZOHO_WEBHOOK_SECRET: value };
      const { out, err } = await run(["init"], { cwd, prompts: answering(answers) });
      expect(variables(cwd).ZOHO_WEBHOOK_SECRET).toBe(value);
      expect(out + err).not.toContain(value);
    },
  );

  it("rejects a secret that .env cannot hold, and writes nothing", async () => {
    const cwd = folderWith({ [CONFIG]: '{"products":{"books":{}}}' });
    const answers = { "is not in .env": "enter", ZOHO_WEBHOOK_SECRET: "two\nlines" };
    const { exitCode, err } = await run(["init"], { cwd, prompts: answering(answers) });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("cannot be written into .env")]);
    expect(existsSync(join(cwd, ".gitignore"))).toBe(false);
  });
});

describe("init at a terminal", () => {
  const answers = { "Which products": ["crm"], "your app": "http://localhost:3000/hooks" };

  it("asks for products and target", async () => {
    const cwd = tempFolder();
    const asked: string[] = [];
    const { exitCode } = await run(["init"], { cwd, prompts: answering(answers, asked) });
    expect([exitCode, asked]).toEqual([
      0,
      [
        "Which products do you use? (none chosen: all)",
        "Where does your app receive webhooks? (port, host:port/path, URL, or none)",
      ],
    ]);
    expect(JSON.parse(read(cwd, CONFIG))).toEqual({ products: { crm: {} }, forwardTo: "http://localhost:3000/hooks" });
    expect(Object.keys(variables(cwd))).toEqual(["ZOHO_WEBHOOK_TOKEN"]);
    expect(existsSync(join(cwd, "AGENTS.md"))).toBe(false);
  });

  it("asks for what no flag names", async () => {
    const asked: string[] = [];
    await run(["init", "--products", "books"], { prompts: answering(answers, asked) });
    expect(asked).toEqual([expect.stringContaining("your app")]);
  });

  it.each([true, false])("asks before it changes a config file; the answer is %s", async (yes) => {
    const cwd = folderWith({ [CONFIG]: '{"port": 7000}\n', ".env": "ZOHO_WEBHOOK_SECRET=a\nZOHO_WEBHOOK_TOKEN=b\n" });
    const prompts = answering({ "Change forwardTo in": yes });
    const { exitCode, err } = await run(["init", "--target", "4461"], { cwd, prompts });
    expect(exitCode).toBe(yes ? 0 : 2);
    expect(read(cwd, CONFIG).includes("4461")).toBe(yes);
    expect(existsSync(join(cwd, EXAMPLE))).toBe(yes);
    if (!yes) expect(err).toContain("nothing was written");
  });

  it("adds a paragraph for coding agents where there is an AGENTS.md, below what is there, once", async () => {
    const old = "# Rules\r\n\r\nBe brief.";
    const cwd = folderWith({ "AGENTS.md": old });
    const { out } = await run(["init", "--yes"], { cwd });
    expect(out).toMatch(/^changed +AGENTS\.md +Zoho webhooks$/m);
    const now = read(cwd, "AGENTS.md");
    expect(now).toMatch(/^# Rules\r\n\r\nBe brief\.\r\n\r\n## Zoho webhooks\r\n[\s\S]*fails\.\r\n$/);
    await run(["init", "--yes"], { cwd });
    expect(read(cwd, "AGENTS.md")).toBe(now);
    const none = tempFolder();
    await run(["init", "--yes"], { cwd: none });
    expect(existsSync(join(none, "AGENTS.md"))).toBe(false);
  });

  it.skipIf(lacks("posix"))("leaves an AGENTS.md alone that is a link", async () => {
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
