import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoggedProject, leadBody, startLoggedProject, TOKEN, ticketBody } from "../support/logged-project.ts";
import { type RunResult, run } from "../support/run.ts";

const LEAD = leadBody();
const GOLD_LEAD = LEAD.replace('"Company"', '"Tier":"gold","Lines":[{"Sku":"A-1"},{"Sku":7}],"Company"');
const NUMBERED_TICKET = ticketBody().replace('"priority":"High"', '"priority":4');

let project: LoggedProject;
let learned: string;

/** #1 a lead with fields of its own, #2 the same again, #3 a ticket with a number, #4 a forged lead, #5 of no event. */
beforeAll(async () => {
  project = await startLoggedProject({ forward: false, argv: ["--on-invalid", "warn"] });
  learned = join(project.cwd, ".zoho-hooks", "learned");
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

  it("proposes a fixture without secrets and personal data, and a note, and touches no fixture", async () => {
    const own = join(project.cwd, ".zoho-hooks", "fixtures", "crm", "guide", "Leads.create.json");
    mkdirSync(join(own, ".."), { recursive: true });
    writeFileSync(own, "{}\n");
    const { exitCode, out } = await project.run(["events", "drift", "--learn", "--product", "crm"]);
    expect(exitCode).toBe(0);
    expect(out).toContain(join(".zoho-hooks", "learned", "crm", "guide", "Leads.create.json"));
    const fixture = readFileSync(join(learned, "crm", "guide", "Leads.create.json"), "utf8");
    expect(JSON.parse(fixture)).toMatchObject({
      token: "[masked]",
      data: { Tier: "gold", Lines: [{ Sku: "A-1" }, {}] },
    });
    const note = readFileSync(join(learned, "crm", "guide", "Leads.create.md"), "utf8");
    expect(note).toContain("| `data.Tier` | string | once |");
    expect(note).toContain("`data.Phone`");
    for (const hidden of [TOKEN, "mei.tanaka", "Tanaka", "4150868000000002179"]) {
      expect(fixture + note).not.toContain(hidden);
    }
    expect(readFileSync(own, "utf8")).toBe("{}\n");
    expect(out).not.toContain("desk");
  });

  it("masks values that only the query carries, too", async () => {
    const query = `event_name=Signup&token=${TOKEN}&Email=mei.tanaka@example.com`;
    await project.deliver(`/webhooks/zoho/flow?${query}`, "", {});
    const { out } = await project.run(["events", "drift", "--learn", "--product", "flow"]);
    const [path = ""] = out.split("\n").filter((line) => line.endsWith(".json"));
    const fixture = readFileSync(join(project.cwd, path), "utf8");
    expect(JSON.parse(fixture)).toMatchObject({
      event_name: "Signup",
      token: "[masked]",
      Email: "person1@example.com",
    });
  });

  it("leaves what it proposed before as it is, since it may have been worked on", async () => {
    const path = join(learned, "desk", "guide", "Ticket.Create.json");
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "mine\n");
    const { lines } = await project.run(["events", "drift", "--learn", "--product", "desk", "--json"]);
    expect(lines().map(({ action }) => action)).toEqual([undefined, "kept", "learned"]);
    expect(readFileSync(path, "utf8")).toBe("mine\n");
  });

  it("proposes nothing where nothing differs", async () => {
    const plain = LEAD.replace('"Account_Number":4150868000000002181,"Amount":1250.00', '"Lead_Source":"Web"');
    const { cwd } = await listenTo(plain);
    const { out, err } = await run(["events", "drift", "--learn"], { cwd });
    expect(out).toContain("1 delivery");
    expect(err).toContain("nothing to learn");
    expect(existsSync(join(cwd, ".zoho-hooks", "learned"))).toBe(false);
  });

  it("learns nothing from an event whose name is too long for a file", async () => {
    const { cwd } = await listenTo(GOLD_LEAD.replaceAll("Leads", "L".repeat(300)));
    const { exitCode, out, err } = await run(["events", "drift", "--learn"], { cwd });
    expect([exitCode, err]).toEqual([0, expect.stringContaining("its name is too long for a file")]);
    expect(out + err).not.toContain("ENAMETOOLONG");
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
