import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lacks } from "../support/needs.ts";
import { foreignFolder, newPerson } from "../support/person.ts";
import { tempFolder } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;
const TARGET = { [CONFIG]: JSON.stringify({ forwardTo: "http://app:3000/" }) };
const TRUSTED = { exitCode: 0, err: "", questions: 0 };

function git(cwd: string, ...argv: readonly string[]): void {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
  const env = { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_NOSYSTEM: "1" };
  execFileSync("git", [...identity, ...argv], { cwd, env, stdio: "pipe" });
}

/** A repository with a project at its root and one in a folder, and a worktree beside it. */
function repository() {
  const folder = tempFolder();
  const [main, worktree] = [join(folder, "main"), join(folder, "worktree")];
  foreignFolder({ ...TARGET, [`packages/a/${CONFIG}`]: '{"host": "0.0.0.0"}' }, { folder: main });
  git(main, "init", "--quiet");
  git(main, "add", ".");
  git(main, "commit", "--quiet", "--message", "first");
  git(main, "worktree", "add", "--quiet", "-b", "topic", worktree);
  return { folder, main, worktree, inside: join("packages", "a") };
}

describe("a worktree of git", () => {
  it("shares the trust of the main checkout, in both directions", async () => {
    const person = newPerson();
    const { main, worktree, inside } = repository();
    await person.run(["trust"], { cwd: main });
    expect(await person.run(COMMAND, { cwd: worktree, says: false })).toMatchObject(TRUSTED);
    expect(await person.run(COMMAND, { cwd: join(worktree, inside), says: true })).toMatchObject({
      exitCode: 0,
      questions: 1,
    });
    expect(await person.run(COMMAND, { cwd: join(main, inside), says: false })).toMatchObject(TRUSTED);
    expect(Object.keys(person.trusted())).toEqual([main, join(main, inside)]);
    expect((await person.run(["trust", "--remove"], { cwd: worktree })).err).toBe(`${worktree} is no longer trusted\n`);
    expect((await person.run(COMMAND, { cwd: main })).exitCode).toBe(2);
  });

  it("asks about what a branch decides in addition", async () => {
    const person = newPerson();
    const { main, worktree } = repository();
    await person.run(["trust"], { cwd: main });
    writeFileSync(join(worktree, CONFIG), JSON.stringify({ forwardTo: ["http://app:3000/", "http://evil.example/"] }));
    expect(await person.run(COMMAND, { cwd: worktree })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining(
        `${worktree} is not trusted, and its files decide: forwardTo http://evil.example/\n`,
      ),
    });
    const { questions, err } = await person.run(COMMAND, { cwd: worktree, says: true });
    expect([questions, err]).toEqual([1, expect.stringContaining(`The files of ${worktree} now also decide:`)]);
    expect(await person.run(COMMAND, { cwd: worktree })).toMatchObject(TRUSTED);
  });

  it("that was moved with git still does, and one that was moved without does not", async () => {
    const person = newPerson();
    const { folder, main, worktree } = repository();
    await person.run(["trust"], { cwd: main });
    git(main, "worktree", "move", worktree, join(folder, "moved"));
    expect(await person.run(COMMAND, { cwd: join(folder, "moved") })).toMatchObject(TRUSTED);
    renameSync(join(folder, "moved"), join(folder, "again"));
    expect((await person.run(COMMAND, { cwd: join(folder, "again") })).exitCode).toBe(2);
  });

  it.each<[string, (clone: string, main: string, worktree: string) => void]>([
    ["a copied .git file", (clone, _, worktree) => cpSync(join(worktree, ".git"), join(clone, ".git"))],
    [
      "a .git file that is a link to one",
      (clone, _, worktree) => symlinkSync(join(worktree, ".git"), join(clone, ".git")),
    ],
    ["a .git file with the main folder", (clone, main) => writeFileSync(join(clone, ".git"), `gitdir: ${main}/.git\n`)],
    [
      "a .git file with a worktree that does not exist",
      (clone, main) => writeFileSync(join(clone, ".git"), `gitdir: ${main}/.git/worktrees/none\n`),
    ],
    [
      "worktrees of its own that lead to the other folder",
      (clone, main) => {
        foreignFolder({ "x/.git/worktrees/w/gitdir": `${clone}/.git\n` }, { folder: clone });
        symlinkSync(main, join(clone, "main"));
        writeFileSync(join(clone, ".git"), `gitdir: ${clone}/main/../clone/x/.git/worktrees/w\n`);
      },
    ],
    [
      "a folder .git with the files of a worktree",
      (clone, main) =>
        foreignFolder({ ".git/commondir": `${main}/.git\n`, ".git/gitdir": `${main}/.git\n` }, { folder: clone }),
    ],
  ])("is not what %s makes of a stranger's folder", async (_, prepare) => {
    const person = newPerson();
    const { folder, main, worktree } = repository();
    await person.run(["trust"], { cwd: main });
    const clone = foreignFolder(TARGET, { folder: join(folder, "clone") });
    prepare(clone, main, worktree);
    expect(await person.run(COMMAND, { cwd: clone })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining(`${clone} is not trusted, and its files decide: forwardTo http://app:3000/\n`),
    });
  });

  it("of a bare repository is trusted by itself", async () => {
    const person = newPerson();
    const { folder, main } = repository();
    git(main, "clone", "--quiet", "--bare", main, join(folder, "bare.git"));
    git(join(folder, "bare.git"), "worktree", "add", "--quiet", join(folder, "w"), "topic");
    await person.run(["trust"], { cwd: join(folder, "w") });
    expect(await person.run(COMMAND, { cwd: join(folder, "w") })).toMatchObject(TRUSTED);
    expect((await person.run(COMMAND, { cwd: main })).exitCode).toBe(2);
  });
});

describe("a folder is the same", () => {
  it.skipIf(lacks("posix"))("through a link, however it was trusted", async () => {
    const person = newPerson();
    const [cwd, other] = [foreignFolder(TARGET), foreignFolder(TARGET)];
    const links = tempFolder();
    symlinkSync(cwd, join(links, "one"));
    symlinkSync(links, join(links, "two"));
    symlinkSync(other, join(links, "other"));
    await person.run(["trust"], { cwd: join(links, "two", "one") });
    expect(Object.keys(person.trusted())).toEqual([cwd]);
    for (const path of [cwd, join(links, "one"), join(links, "two", "two", "one")])
      expect(await person.run(COMMAND, { cwd: path })).toMatchObject(TRUSTED);
    // The link leads elsewhere now.
    expect((await person.run(COMMAND, { cwd: join(links, "other") })).exitCode).toBe(2);
    await person.run(["trust", join(links, "one"), "--remove"], { cwd: links });
    expect(person.trusted()).toEqual({});
  });

  const folder = foreignFolder(TARGET);
  it.skipIf(lacks("a file system that ignores case"))("in another case, where the file system ignores it", async () => {
    const person = newPerson();
    await person.run(["trust"], { cwd: folder.toUpperCase() });
    expect(await person.run(COMMAND, { cwd: folder })).toMatchObject(TRUSTED);
  });

  it.skipIf(lacks("a file system that distinguishes case"))(
    "in this case alone, where the file system distinguishes it",
    async () => {
      const person = newPerson();
      const parent = tempFolder();
      const [lower, upper] = ["shop", "SHOP"].map((name) => foreignFolder(TARGET, { folder: join(parent, name) }));
      await person.run(["trust"], { cwd: lower ?? "" });
      expect((await person.run(COMMAND, { cwd: upper ?? "" })).exitCode).toBe(2);
    },
  );
});

describe("what a command creates in a folder is its own afterwards:", () => {
  const KEYS = "existing keys .zoho-hooks/keys";

  it.each([{ CI: "true" }, {}])("the keys of keygen with %j", async (env) => {
    const [person, cwd] = [newPerson(), foreignFolder({})];
    await person.run(["keygen"], { cwd, env });
    expect(await person.run(COMMAND, { cwd, says: false })).toMatchObject(TRUSTED);
    expect(person.trusted()).toEqual({ [cwd]: [KEYS] });
  });

  it("not keys that were there, beside which keygen writes its own", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ ".zoho-hooks/keys/hook-secrets.json": "{}" })];
    expect((await person.run(["keygen"], { cwd })).exitCode).toBe(0);
    expect(person.trusted()).toEqual({});
    expect((await person.run(COMMAND, { cwd })).err).toContain(`its files decide: ${KEYS}\n`);
  });

  it("not what keygen writes to another folder", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({})];
    expect((await person.run(["keygen", "--out", "mine"], { cwd })).exitCode).toBe(0);
    expect(person.trusted()).toEqual({});
  });

  it("keygen does not make it trust a log that was there, or what its files decide", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ ...TARGET, ".zoho-hooks/events.db": "" })];
    expect((await person.run(["keygen"], { cwd })).exitCode).toBe(0);
    expect(person.trusted()).toEqual({ [cwd]: [KEYS] });
    expect((await person.run(COMMAND, { cwd })).err).toContain(
      "its files decide: forwardTo http://app:3000/; existing log .zoho-hooks/events.db\n",
    );
  });

  it("not what a later branch brings", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ [CONFIG]: "{}" })];
    await person.run(["keygen"], { cwd });
    for (const [files, decided] of [
      [{ ".zoho-hooks/events.db-wal": "" }, "existing log .zoho-hooks/events.db"],
      [{ [CONFIG]: '{"store": "log/branch.db"}', "log/branch.db": "" }, "existing log log/branch.db"],
    ] as const) {
      foreignFolder(files, { folder: cwd });
      expect((await person.run(COMMAND, { cwd })).err).toContain(`its files decide: ${decided}\n`);
      expect(await person.run(COMMAND, { cwd, says: true })).toMatchObject({ exitCode: 0, questions: 1 });
      expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
    }
  });

  it("not keys that a later branch brings to a folder that is trusted with something else", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(TARGET)];
    await person.run(["trust"], { cwd });
    foreignFolder({ ".zoho-hooks/keys/hook-secrets.json": "{}" }, { folder: cwd });
    expect((await person.run(COMMAND, { cwd })).err).toContain(`its files decide: ${KEYS}\n`);
  });

  it("not in a copy of the folder", async () => {
    const [person, cwd, parent] = [newPerson(), foreignFolder({}), tempFolder()];
    await person.run(["keygen"], { cwd });
    mkdirSync(join(parent, "copy"));
    cpSync(cwd, join(parent, "copy"), { recursive: true });
    expect(readFileSync(join(parent, "copy/.zoho-hooks/keys/public.pem"), "utf8")).toContain("PUBLIC KEY");
    expect((await person.run(COMMAND, { cwd: join(parent, "copy") })).exitCode).toBe(2);
  });
});
