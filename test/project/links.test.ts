import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { startListener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
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
  const lead = { module: "Leads", operation: "create", ids: ["1"], token: "t", data: {}, new: 1 };
  await listener.post("/webhooks/zoho/crm", JSON.stringify(lead));
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
describe.skipIf(lacks("posix"))("a link in a project leads nothing of the tool's own elsewhere:", () => {
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

  it.each([".env", ".env.example", ".gitignore", "zoho-hooks.config.json"])(
    "init refuses %s and writes nothing",
    async (link) => {
      const { cwd, isUntouched } = clonedProject(link, false);
      const { exitCode, err } = await run(["init", "--yes", "--force", "--target", "3000"], { cwd });
      expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(cwd, link)} is a link`)]);
      expect(isUntouched()).toBe(true);
      expect(readdirSync(cwd)).toEqual([link]);
    },
  );
});

describe("the folder of keys", () => {
  it.each([
    ["*\n!public.pem\n", "*\n!public.pem\n"],
    ["!*\n", "*\n"],
  ])("with a .gitignore of %j has then %j", async (before, after) => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, KEYS), { recursive: true });
    writeFileSync(join(cwd, IGNORE), before);
    expect((await run(["keygen"], { cwd })).exitCode).toBe(0);
    expect(readFileSync(join(cwd, IGNORE), "utf8")).toBe(after);
  });
});
