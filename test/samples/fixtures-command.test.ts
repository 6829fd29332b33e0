import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventNames } from "../../src/model/event-names.ts";
import type { Product } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { answering } from "../support/answers.ts";
import { folderWith } from "../support/files.ts";
import { fixturesFolder } from "../support/fixture-cases.ts";
import { run, tempFolder } from "../support/run.ts";

const OWN = ".zoho-hooks/fixtures/crm/wire/Leads.create.json";
const builtIn = (path: string): string => readFileSync(join(fixturesFolder, path), "utf8");

describe("fixtures show", () => {
  it("prints the file exactly, for names in any case", async () => {
    const { exitCode, out, err } = await run(["fixtures", "show", "CRM", "leads.CREATE"]);
    expect([exitCode, err]).toEqual([0, ""]);
    expect(out).toBe(builtIn("crm/wire/Leads.create.json"));
  });

  it("prints the project's copy byte for byte", async () => {
    const text = '{"module":"Leads", "ids":[4876876000001402117]}';
    const cwd = folderWith({ [OWN]: text });
    expect((await run(["fixtures", "show", "crm", "Leads.create"], { cwd })).out).toBe(text);
    const { lines } = await run(["fixtures", "show", "crm", "Leads.create", "--json"], { cwd });
    expect(lines()).toMatchObject([{ type: "fixture", origin: "project", path: join(cwd, OWN), text }]);
  });

  it("finds the project's copy in any case, even on a case-sensitive file system", async () => {
    const cwd = folderWith({ [OWN.replace("crm/wire/Leads.create", "CRM/wire/leads.Create")]: "[1]" });
    expect((await run(["fixtures", "show", "crm", "Leads.create"], { cwd })).out).toBe("[1]");
    // A second file beside it would be ambiguous.
    const { exitCode, err } = await run(["fixtures", "eject", "crm", "Leads.create"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("leads.Create.json already exists")]);
  });

  it("fills in a family's template for a custom module", async () => {
    const { out } = await run(["fixtures", "show", "crm", "Greenhouses.create"]);
    expect(JSON.parse(out)).toMatchObject({ module: "Greenhouses", operation: "insert" });
    expect(out).not.toContain("{Module}");
  });

  it("suggests an event for a mistyped one", async () => {
    const { exitCode, out, err } = await run(["fixtures", "show", "books", "invoice_craeted"]);
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain("did you mean invoice_created");
  });

  it("rejects the name of a family", async () => {
    const { exitCode, err } = await run(["fixtures", "show", "crm", "<Module>.create"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("name one of them, such as Leads.create");
  });

  it("lists the formats after an unknown one", async () => {
    const { exitCode, err } = await run(["fixtures", "show", "crm", "Leads.create", "--format", "fax"]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/crm has no format "fax"\n {2}formats: wire, guide/);
  });

  it("points at the error in a broken copy", async () => {
    const cwd = folderWith({ [OWN]: '{\n  "module": Leads\n}' });
    const { exitCode, err } = await run(["fixtures", "show", "crm", "Leads.create"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`${join(cwd, OWN)}:2:13: not valid JSON: expected a value`);
  });
});

describe("fixtures list", () => {
  it("lists the sample of every event, and its origin", async () => {
    const cwd = folderWith({ [OWN]: "{}" });
    const { exitCode, lines } = await run(["fixtures", "list", "--json"], { cwd });
    expect(exitCode).toBe(0);
    const listed = lines().map(({ product, format, event }) => `${product} ${format} ${event}`);
    const known = products.flatMap((product: Product) =>
      product.formats.flatMap((format) => eventNames(format).map((name) => `${product.id} ${format.id} ${name}`)),
    );
    // No name of a mandate's event is published.
    expect(listed).toEqual(known.filter((name) => name !== "payments wire mandate.<Event>"));
    for (const { path } of lines()) expect(existsSync(String(path))).toBe(true);
    const { out } = await run(["fixtures", "list", "crm"], { cwd });
    expect(out).toMatch(/^crm +wire +Leads\.create +the project's own$/m);
    expect(out).toMatch(/^crm +guide +Leads\.update +built-in$/m);
    expect(out).toMatch(/^crm +guide +Accounts\.workflow +built-in, from a template$/m);
  });
});

describe("fixtures eject", () => {
  it("copies a sample into the project, byte for byte", async () => {
    const cwd = tempFolder();
    const { exitCode, out } = await run(["fixtures", "eject", "crm", "Leads.create"], { cwd });
    expect(exitCode).toBe(0);
    expect(out).toMatch(/copied +\.zoho-hooks.*Leads\.create\.json/);
    expect(readFileSync(join(cwd, OWN), "utf8")).toBe(builtIn("crm/wire/Leads.create.json"));
  });

  it("fills in a family's template", async () => {
    const cwd = tempFolder();
    await run(["fixtures", "eject", "crm", "Greenhouses.create"], { cwd });
    const copy = readFileSync(join(cwd, ".zoho-hooks/fixtures/crm/wire/Greenhouses.create.json"), "utf8");
    expect(copy).toBe(builtIn("crm/wire/{Module}.create.json").replaceAll("{Module}", "Greenhouses"));
  });

  it("copies into the project's folder from a subfolder", async () => {
    const root = folderWith({ "zoho-hooks.config.json": "{}", "src/index.js": "" });
    await run(["fixtures", "eject", "crm", "Leads.create"], { cwd: join(root, "src") });
    expect(existsSync(join(root, OWN))).toBe(true);
  });

  it("rejects overwriting a changed copy without a terminal, and suggests --force", async () => {
    const cwd = folderWith({ [OWN]: "mine" });
    const { exitCode, out, err } = await run(["fixtures", "eject", "crm", "Leads.create"], { cwd });
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain("--force overwrites it");
    expect(readFileSync(join(cwd, OWN), "utf8")).toBe("mine");
  });

  it("restores the built-in sample with --force", async () => {
    const cwd = folderWith({ [OWN]: "mine" });
    const { lines } = await run(["fixtures", "eject", "crm", "Leads.create", "--force", "--json"], { cwd });
    expect(lines()).toEqual([expect.objectContaining({ type: "file", action: "overwritten", path: join(cwd, OWN) })]);
    expect(readFileSync(join(cwd, OWN), "utf8")).toBe(builtIn("crm/wire/Leads.create.json"));
  });

  it.each([
    [true, "overwritten"],
    [false, "kept"],
  ])("asks at a terminal before it overwrites: after %s the file is %s", async (yes, outcome) => {
    const cwd = folderWith({ [OWN]: "mine" });
    const prompts = answering({ Overwrite: yes });
    const { exitCode, out } = await run(["fixtures", "eject", "crm", "Leads.create"], { cwd, prompts });
    expect(exitCode).toBe(0);
    expect(out).toContain(outcome);
    expect(readFileSync(join(cwd, OWN), "utf8") === "mine").toBe(!yes);
  });

  it("copies all with --all, keeps changed copies and says so, and changes nothing the second time", async () => {
    const cwd = folderWith({ [OWN]: "mine" });
    const actions = async (): Promise<Record<string, number>> => {
      const { lines } = await run(["fixtures", "eject", "crm", "--all", "--json"], { cwd });
      const counts: Record<string, number> = {};
      for (const { action } of lines()) counts[String(action)] = (counts[String(action)] ?? 0) + 1;
      return counts;
    };
    const first = await actions();
    expect(first.kept).toBe(1);
    expect(await actions()).toEqual({ kept: 1, unchanged: first.copied });
    const { out } = await run(["fixtures", "eject", "crm", "--all"], { cwd });
    expect(out).toMatch(/kept +\.zoho-hooks.*Leads\.create\.json[\s\S]*--force/);
    expect(readFileSync(join(cwd, OWN), "utf8")).toBe("mine");
  });

  it("copies every product with just --all", async () => {
    const { lines } = await run(["fixtures", "eject", "--all", "--json"]);
    expect(new Set(lines().map(({ product }) => product))).toEqual(new Set(products.map(({ id }) => id)));
  });

  it.each([
    [["fixtures", "eject"], "no product given"],
    [["fixtures", "eject", "crm"], "no event given"],
    [["fixtures", "eject", "crm", "Leads.create", "--all"], "exclude each other"],
  ])("%j is a usage error", async (argv, message) => {
    const { exitCode, err } = await run(argv);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  it("names the file that cannot be written", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, ".zoho-hooks"), "a file where a folder should be");
    const { exitCode, err } = await run(["fixtures", "eject", "crm", "Leads.create"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`${join(cwd, OWN)} cannot be`);
  });

  it("suggests the format that has the event", async () => {
    const { err } = await run(["fixtures", "show", "desk", "Ticket_Add", "--format", "guide"]);
    expect(err).toContain("; or add --format wire");
  });

  it("prints the sample of the only format that has the event, and with the setting the guide's", async () => {
    expect((await run(["fixtures", "show", "desk", "Ticket.Create"])).out).toBe(
      builtIn("desk/guide/Ticket.Create.json"),
    );
    const cwd = folderWith({ "zoho-hooks.config.json": '{"products": {"crm": {"format": "guide"}}}' });
    const { out } = await run(["fixtures", "show", "crm", "Leads.create"], { cwd });
    expect(out).toBe(builtIn("crm/guide/Leads.create.json"));
  });
});
