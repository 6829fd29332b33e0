import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixturesFolder } from "../support/fixture-cases.ts";
import { type LoggedProject, leadBody, startLoggedProject, TOKEN, ticketBody } from "../support/logged-project.ts";

let project: LoggedProject;
let fixtures: string;

/** #1 a lead, #2 a ticket, #3 a challenge, #4 an event that Desk is not known to have, #5 a body of no product. */
beforeAll(async () => {
  project = await startLoggedProject({ forward: false });
  fixtures = join(project.cwd, ".zoho-hooks", "fixtures");
  await project.deliver("/webhooks/zoho/crm", leadBody());
  await project.deliver("/webhooks/zoho/desk", ticketBody());
  await project.deliver("/webhooks/zoho/desk", '{"challenge":"abc"}');
  await project.deliver("/webhooks/zoho/desk", '{"event":"../../Ticket.Merge","ticket":{}}');
  await project.deliver("/webhooks/zoho", '{"hello":"world"}');
});
afterAll(() => project.stop());

describe("events save-fixture", () => {
  it("saves a delivery as the sample that send uses, with its token masked and all digits", async () => {
    const { exitCode, out, err } = await project.run(["events", "save-fixture", "1"]);
    expect(exitCode).toBe(0);
    expect(out).toBe(`${join(".zoho-hooks", "fixtures", "crm", "guide", "Leads.create.json")}\n`);
    expect(err).toContain("real personal data");
    const text = readFileSync(join(fixtures, "crm", "guide", "Leads.create.json"), "utf8");
    expect(text).not.toContain(TOKEN);
    expect(text).toContain('"token": "[masked]"');
    expect(text).toContain('"Account_Number": 4150868000000002181');
    expect(text).toContain('"Amount": 1250.00');
    const sent = await project.run([
      "send",
      "crm",
      "Leads.create",
      "--format",
      "guide",
      "--no-fresh",
      "--to",
      String(project.app.port),
    ]);
    expect(sent.exitCode).toBe(0);
    expect(project.app.seen.at(-1)?.body.toString()).toContain('"Company":"Northwind"');
  });

  it("overwrites nothing without --force", async () => {
    await project.run(["events", "save-fixture", "2"]);
    const again = await project.run(["events", "save-fixture", "2", "--redact"]);
    expect(again.exitCode).toBe(2);
    expect(again.err).toContain("--force");
    expect(readFileSync(join(fixtures, "desk", "guide", "Ticket.Create.json"), "utf8")).toContain("a@example.com");
    const forced = await project.run(["events", "save-fixture", "2", "--redact", "--force", "--json"]);
    expect(forced.lines()[0]).toMatchObject({
      type: "file",
      action: "overwritten",
      event: "Ticket.Create",
      redacted: true,
    });
    expect(readdirSync(join(fixtures, "desk", "guide"))).toEqual(["Ticket.Create.json"]);
  });

  it("reports no change when the same is saved again", async () => {
    await project.run(["events", "save-fixture", "1"]);
    const { lines, exitCode } = await project.run(["events", "save-fixture", "1", "--json"]);
    expect(exitCode).toBe(0);
    expect(lines()[0]).toMatchObject({ action: "unchanged" });
  });

  it("replaces personal data consistently with --redact", async () => {
    await project.run(["events", "save-fixture", "1", "--redact", "--name", "Leads.update"]);
    const text = readFileSync(join(fixtures, "crm", "guide", "Leads.update.json"), "utf8");
    for (const personal of ["mei.tanaka", "Tanaka", "4150868000000002179"]) expect(text).not.toContain(personal);
    const { ids, data, resource_uri: uri } = JSON.parse(text);
    expect(ids[0]).toMatch(/^\d{19}$/);
    expect(data.id).toBe(ids[0]);
    expect(uri).toContain(ids[0]);
  });

  it.each([
    ["3", "is not a known event of desk"],
    ["4", "is not a known event of desk"],
    ["5", "does not belong to a known product"],
    ["77", "there is no event #77"],
  ])("refuses #%s, which is no event", async (n, said) => {
    const { exitCode, err } = await project.run(["events", "save-fixture", n]);
    expect(exitCode).toBe(2);
    expect(err).toContain(said);
    expect(existsSync(join(project.cwd, "Ticket.Merge.json"))).toBe(false);
  });

  it("rejects a name that is not an event", async () => {
    const { exitCode, err } = await project.run(["events", "save-fixture", "1", "--name", "../../Leads.create"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("crm has no event");
  });

  it("lets Git track samples, but not the log", async () => {
    await project.run(["events", "save-fixture", "1"]);
    execFileSync("git", ["init", "-q"], { cwd: project.cwd });
    const status = execFileSync("git", ["status", "--porcelain", "--untracked-files=all"], { cwd: project.cwd });
    expect(status.toString()).toContain(".zoho-hooks/fixtures/crm/guide/Leads.create.json");
    expect(status.toString()).not.toContain("events.db");
  });

  it("shows how to send a sample whose format is not the default", async () => {
    const own = await startLoggedProject({ forward: false });
    await own.deliver("/webhooks/zoho/crm", readFileSync(join(fixturesFolder, "crm/guide/Leads.create.json"), "utf8"));
    await own.deliver("/webhooks/zoho/desk", ticketBody());
    const { err } = await own.run(["events", "save-fixture", "1"]);
    expect(err).toContain("send crm Leads.create --format guide");
    expect((await own.run(["events", "save-fixture", "2"])).err).not.toContain("--format");
    await own.stop();
  });
});
