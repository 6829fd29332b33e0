import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { freePort } from "../support/target.ts";

const HINT = "Lead is treated as a custom module\n  did you mean Leads?";
const hintsIn = (err: string): number => err.split("is treated as a custom module").length - 1;
const ended = AbortSignal.abort();

describe("a module that looks mistyped", () => {
  it.each([
    ["Lead.create", "Leads"],
    ["Dealss.edit", "Deals"],
    ["tasks_.create", "Tasks"],
    ["Kontakts.create", "Contacts"],
  ])("is sent with one warning, unless the project has a sample: %s", async (event, meant) => {
    const { exitCode, err } = await run(["send", "crm", event, "--dry-run"]);
    expect([exitCode, hintsIn(err)]).toEqual([0, 1]);
    expect(err).toContain(`did you mean ${meant}?`);
    const cwd = folderWith({ [`.zoho-hooks/fixtures/crm/wire/${event}.json`]: '{"mine":true}' });
    const own = await run(["send", "crm", event, "--dry-run"], { cwd });
    expect([own.exitCode, own.out, hintsIn(own.err)]).toEqual([0, expect.stringContaining("mine"), 0]);
  });

  it.each([
    ["--expect", "crm:Lead.create=1"],
    ["--events", "crm:Deals.*,Lead.*"],
    ["--route", "Lead.create=3000"],
  ])("is warned of by listen %s %s", async (...flags) => {
    const { err } = await run(["listen", "--port", "0", ...flags, ...flags], { signal: ended });
    expect(err).toContain(HINT);
    expect(hintsIn(err)).toBe(1);
  });

  it("is warned of by fixtures until the project has a copy", async () => {
    const cwd = folderWith({});
    for (const call of ["show", "eject"]) {
      const { err } = await run(["fixtures", call, "crm", "Lead.create"], { cwd });
      expect([call, err]).toEqual([call, expect.stringContaining(HINT)]);
    }
    expect(hintsIn((await run(["fixtures", "show", "crm", "Lead.create"], { cwd })).err)).toBe(0);
    expect(hintsIn((await run(["fixtures", "eject", "crm", "--all"], { cwd })).err)).toBe(0);
  });

  it("is warned of by channels create and listen --channel", async () => {
    const url = ["--url", `http://127.0.0.1:${await freePort()}`];
    const { err } = await run(["channels", "create", "Lead.create", "Lead.edit", "--dry-run", ...url]);
    expect(err).toContain(HINT);
    expect(hintsIn(err)).toBe(1);
    const listening = await run(["listen", "--port", "0", "--channel", "Leads.create,Lead.edit"]);
    expect(listening.err).toContain(HINT);
  });
});

it("a custom or known module is not warned of", async () => {
  const names = [
    ...["crm:Visits.create", "crm:Deal_Rooms.create", "crm:Leads.*", "crm:price_books.edit", "crm:Cases.create"],
    ...["desk:Ticket.*", "Ticket.Create", "crm:*", "Lea*.create", "Deals.stage.change", "bigin:Pipelines.create"],
    ...["Candidates.create", "recruit:Candidates.edit", "invoice_created", "nobody:Lead.create"],
  ];
  const flags = names.flatMap((name) => ["--expect", name]);
  const { err } = await run(["listen", "--port", "0", ...flags], { signal: ended });
  expect(hintsIn(err)).toBe(0);
});
