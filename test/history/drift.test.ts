import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoggedProject, leadBody, startLoggedProject, TOKEN, ticketBody } from "../support/logged-project.ts";
import type { RunResult } from "../support/run.ts";

const LEAD = leadBody();
const GOLD_LEAD = LEAD.replace('"Company"', '"Tier":"gold","Lines":[{"Sku":"A-1"},{"Sku":7}],"Company"');
const NUMBERED_TICKET = ticketBody().replace('"priority":"High"', '"priority":4');

let project: LoggedProject;

/** #1 a lead with fields of its own, #2 the same again, #3 a ticket with a number, #4 a forged lead, #5 of no event. */
beforeAll(async () => {
  project = await startLoggedProject({ forward: false, argv: ["--on-invalid", "warn"] });
  await project.deliver("/webhooks/zoho/crm", GOLD_LEAD);
  await project.deliver("/webhooks/zoho/crm", GOLD_LEAD);
  await project.deliver("/webhooks/zoho/desk", NUMBERED_TICKET);
  await project.deliver("/webhooks/zoho/crm", GOLD_LEAD.replaceAll('"Tier"', '"Forged"').replaceAll("2179", "2180"), {
    "content-type": "application/json",
    "x-zoho-signature": "0".repeat(64),
  });
  await project.deliver("/webhooks/zoho/desk", '{"event":"Ticket.Merge","ticket":{"extra":1}}');
});
afterAll(() => project.stop());

describe("events drift", () => {
  it("reports by event what the schemas lack, and skips repeats, forgeries and unknown events", async () => {
    const { exitCode, lines } = await project.run(["events", "drift", "--json"]);
    expect(exitCode).toBe(0);
    expect(lines().map(({ type, product, event, deliveries }) => [type, product, event, deliveries])).toEqual([
      ["drift", "crm", "Leads.create", 1],
      ["drift", "desk", "Ticket.Create", 1],
    ]);
    const [lead, ticket] = lines();
    expect(lead).toMatchObject({ v: 1, format: "guide", partial: false, conflicts: [] });
    expect(lead?.unknown).toContainEqual({ path: "data.Tier", types: ["string"], count: 1 });
    expect(lead?.unknown).toContainEqual({ path: "data.Lines", types: ["array"], count: 1 });
    expect(JSON.stringify(lead)).not.toContain("Forged");
    expect(lead?.unseen).toContainEqual({ path: "data.Phone", expected: "string or null" });
    expect(ticket?.conflicts).toContainEqual(
      expect.objectContaining({ path: "ticket.priority", seen: "number", count: 1 }),
    );
  });

  it("prints it as text, without any values", async () => {
    const { out } = await project.run(["events", "drift", "--product", "crm"]);
    expect(out).toContain("crm Leads.create guide, 1 delivery");
    expect(out).toContain("+ data.Tier: string, not in the schema (1×)");
    expect(out).toContain("- data.Phone: string or null, optional, never came");
    for (const hidden of ["gold", "desk", "Tanaka", TOKEN]) expect(out).not.toContain(hidden);
  });

  it("reports that there is nothing to compare", async () => {
    const { exitCode, out, err } = await project.run(["events", "drift", "--product", "books"]);
    expect([exitCode, out]).toEqual([0, ""]);
    expect(err).toContain("nothing to compare");
    expect(err).toContain("samples posted by send");
  });
});

/** What a run of `listen` says at its end. */
async function listenTo(body: string, argv: readonly string[] = []): Promise<RunResult & { readonly cwd: string }> {
  const { deliver, app, listener, cwd } = await startLoggedProject({ forward: false, argv });
  await deliver("/webhooks/zoho/crm", body);
  await app.close();
  return { ...(await listener.stop()), cwd };
}

describe("the end of listen", () => {
  it("reports drift before the summary", async () => {
    const { exitCode, lines } = await listenTo(GOLD_LEAD);
    expect(exitCode).toBe(0);
    const [drift, summary] = lines().slice(-2);
    expect(drift).toMatchObject({ type: "drift", product: "crm", event: "Leads.create", deliveries: 1 });
    expect(drift?.unknown).toContainEqual({ path: "data.Tier", types: ["string"], count: 1 });
    expect(summary?.type).toBe("summary");
  });

  it("reports no drift where only optional fields never came", async () => {
    const plain = LEAD.replace('"Account_Number":4150868000000002181,"Amount":1250.00', '"Lead_Source":"Web"');
    const { lines } = await listenTo(plain);
    expect(lines().filter(({ type }) => type === "event")).toHaveLength(1);
    expect(lines().filter(({ type }) => type === "drift")).toEqual([]);
  });

  it("reports no drift with --schema off", async () => {
    const { lines } = await listenTo(GOLD_LEAD, ["--schema", "off"]);
    expect(lines().filter(({ type }) => type === "event")).toHaveLength(1);
    expect(lines().filter(({ type }) => type === "drift")).toEqual([]);
  });
});
