import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { foreignFolder, newPerson } from "../support/person.ts";
import { tempFolder } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
/** Uses the settings, and ends at once. */
const COMMAND = ["fixtures", "show", "crm", "Leads.create"] as const;
const TARGET = { [CONFIG]: JSON.stringify({ forwardTo: "http://app:3000/" }) };
const FOLDER = { ...TARGET, ".env": "NGROK_AUTHTOKEN=2abc_geheim\nZOHO_WEBHOOK_SECRET=s\n" };

function configure(cwd: string, settings: object): void {
  writeFileSync(join(cwd, CONFIG), JSON.stringify(settings));
}

describe("the question", () => {
  it("is a table of what the files decide", async () => {
    const cwd = foreignFolder(FOLDER);
    const { err } = await newPerson().run(COMMAND, { cwd, says: false });
    expect(err.replaceAll(cwd, "/shop")).toBe(
      [
        "/shop is not trusted yet, and its files would decide:",
        "  forwardTo  http://app:3000/  zoho-hooks.config.json",
        "  tunnel     NGROK_AUTHTOKEN   .env",
        "error: /shop is not trusted, and its files decide: forwardTo http://app:3000/; tunnel NGROK_AUTHTOKEN",
        "  if you trust who wrote them: zoho-hooks trust. In a container or a script: ZOHO_HOOKS_TRUST=1 in the environment",
        "",
      ].join("\n"),
    );
  });

  it("is not asked with --json, whose reader is a program", async () => {
    const cwd = foreignFolder(FOLDER);
    const { exitCode, err, questions } = await newPerson().run([...COMMAND, "--json"], { cwd, says: true });
    expect([exitCode, questions]).toEqual([2, 0]);
    expect(err).toContain("forwardTo http://app:3000/; tunnel NGROK_AUTHTOKEN");
  });

  it("comes before anything is done, and a no leaves everything as it is", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(FOLDER)];
    const { exitCode, questions } = await person.run(["fixtures", "eject", "crm", "Leads.create"], {
      cwd,
      says: false,
    });
    expect([exitCode, questions, existsSync(join(cwd, ".zoho-hooks")), existsSync(person.file)]).toEqual([
      2,
      1,
      false,
      false,
    ]);
  });

  it("is asked once for each of two branches with targets of their own", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(TARGET)];
    const questions: number[] = [];
    for (const target of ["app:3000", "stage:3000", "app:3000/hooks", "stage:3000", "app:3000/x"]) {
      configure(cwd, { forwardTo: `http://${target}` });
      questions.push((await person.run(COMMAND, { cwd, says: true })).questions);
    }
    expect(questions).toEqual([1, 1, 0, 0, 0]);
    expect(person.trusted()).toEqual({ [cwd]: ["forwardTo http://app:3000/", "forwardTo http://stage:3000/"] });
  });

  it("is not asked again for a port, a path or a comment that changes, nor for less", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(FOLDER)];
    await person.run(["trust"], { cwd });
    configure(cwd, { $schema: "x", port: 5005, forwardTo: ["3000", "http://app:3000/other"] });
    writeFileSync(join(cwd, ".env"), "# ours\nNGROK_AUTHTOKEN=another\n");
    expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
    configure(cwd, {});
    expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });

  it("goes on after a yes that cannot be kept, and says so", async () => {
    const config = foreignFolder({ "zoho-hooks": "a file where the folder would be" });
    const [person, cwd] = [newPerson(config), foreignFolder(TARGET)];
    for (const _ of [1, 2]) {
      const { exitCode, out, err, questions } = await person.run(COMMAND, { cwd, says: true });
      expect([exitCode, questions, out]).toEqual([0, 1, expect.stringContaining('"operation"')]);
      expect(err).toContain("warning: your answer could not be kept, so the next command asks again: ");
    }
    expect((await person.run(COMMAND, { cwd })).exitCode).toBe(2);
  });
});

describe("trust", () => {
  it("trusts what the files of the current project decide, and shows it without secrets", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ ...FOLDER, "src/.keep": "" })];
    const { exitCode, err } = await person.run(["trust"], { cwd: join(cwd, "src") });
    expect([exitCode, err]).toEqual([0, `trusted: ${cwd} (forwardTo http://app:3000/; tunnel NGROK_AUTHTOKEN)\n`]);
    expect(person.trusted()).toEqual({ [cwd]: ["forwardTo http://app:3000/", "tunnel NGROK_AUTHTOKEN"] });
    if (process.platform !== "win32") expect(statSync(person.file).mode & 0o777).toBe(0o600);
    expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
  });

  it("trusts another folder, by a path from the current one, and not the current one", async () => {
    const person = newPerson();
    const [cwd, other] = [foreignFolder(TARGET), foreignFolder(TARGET)];
    expect(await person.run(["trust", join("..", other.split("/").at(-1) ?? "")], { cwd })).toMatchObject({
      exitCode: 0,
    });
    expect(Object.keys(person.trusted())).toEqual([other]);
    expect((await person.run(COMMAND, { cwd: other })).exitCode).toBe(0);
    expect((await person.run(COMMAND, { cwd })).exitCode).toBe(2);
  });

  it("of a folder in a project names the project", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ ...TARGET, "src/.keep": "" })];
    const { exitCode, err } = await person.run(["trust", "src"], { cwd });
    expect([exitCode, err]).toEqual([
      2,
      `error: ${join(cwd, "src")} belongs to the project in ${cwd}\n  trust that: zoho-hooks trust ${cwd}\n`,
    ]);
    expect(person.trusted()).toEqual({});
  });

  it("adds to what was trusted before", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(TARGET)];
    await person.run(["trust"], { cwd });
    configure(cwd, { host: "0.0.0.0" });
    await person.run(["trust"], { cwd });
    expect(person.trusted()).toEqual({ [cwd]: ["forwardTo http://app:3000/", "host 0.0.0.0"] });
  });

  it("--below trusts all folders in one, whatever they decide, and no other", async () => {
    const person = newPerson();
    const parent = tempFolder();
    const project = (path: string): string => foreignFolder(TARGET, { folder: join(parent, path) });
    const [inside, deep, beside] = [project("work/shop"), project("work/a/b"), project("work2")];
    const { err } = await person.run(["trust", join(parent, "work"), "--below"], { cwd: parent });
    expect(err).toBe(`trusted: ${join(parent, "work")}, and all folders below it, whatever their files decide\n`);
    configure(deep, { host: "0.0.0.0", products: { forms: { schema: "../../../x.json" } } });
    writeFileSync(join(parent, "x.json"), "{}");
    for (const cwd of [inside, deep])
      expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
    expect((await person.run(COMMAND, { cwd: beside })).exitCode).toBe(2);

    const refused = await person.run(["trust", "--remove"], { cwd: inside });
    expect([refused.exitCode, refused.err]).toEqual([
      2,
      `error: ${inside} is below ${join(parent, "work")}, which is trusted with all folders in it\n  remove that one: zoho-hooks trust ${join(parent, "work")} --remove\n`,
    ]);
    await person.run(["trust", "work", "--remove"], { cwd: parent });
    expect((await person.run(COMMAND, { cwd: inside })).exitCode).toBe(2);
  });

  it("--below stays when the folder itself is trusted afterwards", async () => {
    const [person, cwd] = [newPerson(), foreignFolder({ ...TARGET, [`a/${CONFIG}`]: '{"insecure": true}' })];
    await person.run(["trust", "--below"], { cwd });
    await person.run(["trust"], { cwd });
    expect(await person.run(COMMAND, { cwd: join(cwd, "a") })).toMatchObject({ exitCode: 0, err: "" });
  });

  it("--remove stops trusting a folder, also one that is gone", async () => {
    const [person, cwd] = [newPerson(), foreignFolder(TARGET)];
    expect((await person.run(["trust", "--remove"], { cwd })).err).toBe(`${cwd} was not trusted\n`);
    await person.run(["trust"], { cwd });
    expect((await person.run(["trust", "--remove"], { cwd })).err).toBe(`${cwd} is no longer trusted\n`);
    expect((await person.run(COMMAND, { cwd })).exitCode).toBe(2);
    await person.run(["trust"], { cwd });
    rmSync(cwd, { recursive: true });
    expect((await person.run(["trust", cwd, "--remove"], { cwd: dirname(cwd) })).err).toBe(
      `${cwd} is no longer trusted\n`,
    );
    expect(person.trusted()).toEqual({});
  });

  it("--list shows what is trusted, as text and as JSON", async () => {
    const person = newPerson();
    expect(await person.run(["trust", "--list"], { cwd: tempFolder() })).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining("no folder is trusted"),
    });
    const [cwd, own, work] = [foreignFolder(FOLDER), foreignFolder({}), foreignFolder({})];
    await person.run(["trust"], { cwd });
    await person.run(["trust"], { cwd: own });
    await person.run(["trust", "--below"], { cwd: work });
    const { out } = await person.run(["trust", "--list"], { cwd });
    const columns = out.split("\n").map((line) => line.split(/ {2,}/));
    expect(columns).toContainEqual([cwd, "forwardTo http://app:3000/; tunnel NGROK_AUTHTOKEN"]);
    expect(columns).toContainEqual([own, "nothing yet"]);
    expect(columns).toContainEqual([work, "all, and all folders below it"]);
    const { lines } = await person.run(["trust", "--list", "--json"], { cwd });
    const line = (folder: string, below: boolean, decisions: readonly string[]) => ({
      v: 1,
      type: "folder",
      folder,
      below,
      decisions,
    });
    expect(lines().toSorted((a, b) => String(a.folder).localeCompare(String(b.folder)))).toEqual(
      [
        line(cwd, false, ["forwardTo http://app:3000/", "tunnel NGROK_AUTHTOKEN"]),
        line(own, false, []),
        line(work, true, []),
      ].toSorted((a, b) => a.folder.localeCompare(b.folder)),
    );
  });

  it.each([
    [["--below", "--remove"], "--below, --remove and --list exclude one another"],
    [["--below", "--list"], "exclude one another"],
    [["--remove", "--list"], "exclude one another"],
    [["--list", "."], "--list takes no folder"],
    [["nowhere"], "there is no folder "],
    [["nowhere", "--below"], "there is no folder "],
    [[CONFIG], "there is no folder "],
    [[CONFIG, "--below"], "there is no folder "],
    [[".", "."], "too many arguments"],
  ])("%j is wrong usage and changes nothing", async (argv, message) => {
    const [person, cwd] = [newPerson(), foreignFolder(TARGET)];
    const { exitCode, err } = await person.run(["trust", ...argv], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(person.file)).toBe(false);
  });
});

describe("the list of trusted folders", () => {
  it.each(["{", '{"FOLDER": "every"}', '{"FOLDER": 1}', '["FOLDER"]', '"all"'])(
    "that is damaged (%s) trusts nothing, until trust moves it aside and says so",
    async (damaged) => {
      const [person, cwd] = [newPerson(), foreignFolder(TARGET)];
      const text = damaged.replace("FOLDER", cwd);
      mkdirSync(dirname(person.file), { recursive: true });
      writeFileSync(person.file, text);
      expect((await person.run(COMMAND, { cwd })).exitCode).toBe(2);
      expect(await person.run(["trust", "--list"], { cwd })).toMatchObject({
        exitCode: 2,
        err: `error: ${person.file} is damaged\n  run zoho-hooks trust, which moves it aside\n`,
      });
      const aside = person.file.replace(/json$/, "damaged.json");
      const { exitCode, err } = await person.run(["trust"], { cwd });
      expect([exitCode, err]).toEqual([
        0,
        expect.stringContaining(`${person.file} was damaged: it is ${aside} now, and no folder is trusted`),
      ]);
      expect(readFileSync(aside, "utf8")).toBe(text);
      expect(person.trusted()).toEqual({ [cwd]: ["forwardTo http://app:3000/"] });
      expect(await person.run(COMMAND, { cwd })).toMatchObject({ exitCode: 0, err: "" });
    },
  );

  it("loses nothing when several commands change it at once", async () => {
    const person = newPerson();
    const folders = Array.from({ length: 8 }, () => foreignFolder(TARGET));
    await Promise.all(folders.map((cwd, i) => person.run(i % 2 === 0 ? ["trust"] : COMMAND, { cwd, says: true })));
    expect(Object.keys(person.trusted()).toSorted()).toEqual(folders.toSorted());
  });

  it("that is in the folder itself is not read, wherever its .env says that it is", async () => {
    const cwd = foreignFolder(FOLDER);
    const list = JSON.stringify({ [cwd]: "all", "/": "all" });
    const names = ["zoho-hooks", ".config/zoho-hooks", ".zoho-hooks", "."].map((each) =>
      join(each, "trusted-folders.json"),
    );
    foreignFolder(Object.fromEntries(names.map((name) => [name, list])), { folder: cwd });
    const lines = ["CI=true", "ZOHO_HOOKS_TRUST=1", `HOME=${cwd}`, `XDG_CONFIG_HOME=${cwd}`, `APPDATA=${cwd}`];
    writeFileSync(join(cwd, ".env"), `${lines.join("\n")}\nNGROK_AUTHTOKEN=2abc\n`);
    const person = newPerson();
    const { exitCode, err } = await person.run(COMMAND, { cwd });
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining("its files decide: forwardTo http://app:3000/; tunnel NGROK_AUTHTOKEN\n"),
    ]);
    expect((await person.run(COMMAND, { cwd, says: true })).exitCode).toBe(0);
    expect(existsSync(person.file)).toBe(true);
    // Trusted, they have no effect either.
    configure(cwd, { host: "0.0.0.0" });
    expect((await person.run(COMMAND, { cwd })).exitCode).toBe(2);
  });
});
