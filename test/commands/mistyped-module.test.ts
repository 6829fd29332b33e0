import { describe, expect, it } from "vitest";
import { run } from "../support/run.ts";
import { freePort } from "../support/target.ts";

const HINT = "Lead is taken as a custom module\n  did you mean Leads?";
const hintsIn = (err: string): number => err.split("is taken as a custom module").length - 1;
const ended = AbortSignal.abort();

describe("a module that looks mistyped", () => {
  it("is sent, and told of once", async () => {
    const { exitCode, out, err } = await run(["send", "crm", "Lead.create", "--dry-run"]);
    expect(exitCode).toBe(0);
    expect(out).toContain('"Lead"');
    expect(err).toContain(HINT);
    expect(hintsIn(err)).toBe(1);
  });

  it.each([
    ["--expect", "crm:Lead.create=1"],
    ["--events", "crm:Deals.*,Lead.*"],
    ["--route", "Lead.create=3000"],
  ])("is told of by listen %s %s", async (...flags) => {
    const { err } = await run(["listen", "--port", "0", ...flags, ...flags], { signal: ended });
    expect(err).toContain(HINT);
    expect(hintsIn(err)).toBe(1);
  });

  it("is told of by channels create and listen --channel", async () => {
    const url = ["--url", `http://127.0.0.1:${await freePort()}`];
    const { err } = await run(["channels", "create", "Lead.create", "Lead.edit", "--dry-run", ...url]);
    expect(err).toContain(HINT);
    expect(hintsIn(err)).toBe(1);
    const listening = await run(["listen", "--port", "0", "--channel", "Leads.create,Lead.edit"]);
    expect(listening.err).toContain(HINT);
  });
});

describe("a module of the user's own, or one that is known", () => {
  it.each([
    ...["crm:Visits.create", "crm:Deal_Rooms.create", "crm:Leads.*", "crm:price_books.edit", "crm:Cases.create"],
    ...["desk:Ticket.*", "Ticket.Create", "crm:*", "Lea*.create", "Deals.stage.change", "bigin:Pipelines.create"],
    ...["Candidates.create", "recruit:Candidates.edit", "invoice_created", "nobody:Lead.create"],
  ])("is not told of: %s", async (name) => {
    const { err } = await run(["listen", "--port", "0", "--expect", name], { signal: ended });
    expect(hintsIn(err)).toBe(0);
  });
});
