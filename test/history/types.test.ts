import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoggedProject, leadBody, startLoggedProject } from "../support/logged-project.ts";
import { SHOP, shopProject } from "../support/own-product.ts";
import { run, tempFolder } from "../support/run.ts";

const TSC = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
const FLAGS = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--pretty", "false"];

/** A terminal obeys them. */
const CONTROLS = "a\u009b\u202e\u2028b";
const OBEYED = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** The errors of TypeScript for the files of a folder. */
function compile(cwd: string, files: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [TSC, ...FLAGS, ...files], { cwd }, (error, stdout, stderr) => {
      resolve(error === null ? "" : `${stdout}${stderr}` || error.message);
    });
  });
}

describe("types", () => {
  it("writes a file for every product whose types accept received payloads and reject others, and rewrites it", async () => {
    const cwd = tempFolder();
    const first = await run(["types", "--out", "zoho.d.ts"], { cwd });
    expect([first.exitCode, first.out, first.err]).toEqual([0, "zoho.d.ts\n", ""]);
    const use = (rest: string) => `import type { ZohoEvents, CrmGuideLeadsCreate } from "./zoho.js";
type Lead = ZohoEvents["crm"]["guide"]["Leads.create"];
export const lead: Lead & CrmGuideLeadsCreate = ${leadBody().replaceAll("4150868000000002181", '"4150868000000002181"')};
${rest}
`;
    writeFileSync(join(cwd, "right.ts"), use("export const name: string = lead.data.Last_Name;"));
    writeFileSync(join(cwd, "wrong.ts"), use("export const name: number = lead.data.Last_Name;"));
    const errors = await compile(cwd, ["zoho.d.ts", "right.ts", "wrong.ts"]);
    expect(errors.match(/^\S+: error TS\d+/gm)).toEqual(["wrong.ts(4,14): error TS2322"]);
    const again = await run(["types", "crm", "--out", "zoho.d.ts"], { cwd });
    expect(again.exitCode).toBe(0);
    expect(readFileSync(join(cwd, "zoho.d.ts"), "utf8")).not.toContain("Desk");
  });

  it("prints to standard output, and rejects an unknown product", async () => {
    const { exitCode, out } = await run(["types", "mail"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("export interface ZohoEvents {\n  mail: {");
    const cwd = tempFolder();
    expect((await run(["types", "mail", "--out", "-"], { cwd })).out).toBe(out);
    expect(existsSync(join(cwd, "-"))).toBe(false);
    expect((await run(["types", "crmm"])).err).toContain("did you mean crm?");
  });

  it("overwrites a foreign file only with --force", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "mine.ts"), "export const mine = 1;\n");
    const refused = await run(["types", "crm", "--out", "mine.ts"], { cwd });
    expect(refused.exitCode).toBe(2);
    expect(readFileSync(join(cwd, "mine.ts"), "utf8")).toBe("export const mine = 1;\n");
    expect((await run(["types", "crm", "--out", "mine.ts", "--force"], { cwd })).exitCode).toBe(0);
  });

  it("writes outside the project where the user says so", async () => {
    const cwd = join(tempFolder(), "project");
    mkdirSync(cwd);
    expect((await run(["types", "crm", "--out", "../z.d.ts"], { cwd })).exitCode).toBe(0);
    expect(existsSync(join(cwd, "../z.d.ts"))).toBe(true);
  });

  it("prints no control characters of an own product, whose names and values stay as they are", async () => {
    const about = JSON.parse(SHOP["webhooks/shop/product.json"]);
    const schema = { type: "object", required: ["kind"], properties: { kind: { enum: [CONTROLS] } } };
    const cwd = shopProject({
      "webhooks/shop/product.json": JSON.stringify({ ...about, events: { "order.created": `${CONTROLS}*\u202e/` } }),
      "webhooks/shop/schemas/order.created.json": JSON.stringify(schema),
    });
    const { out } = await run(["types", "shop"], { cwd });
    expect(out).not.toMatch(OBEYED);
    writeFileSync(join(cwd, "shop.ts"), `${out}export const order: ShopOwnOrderCreated = { kind: "${CONTROLS}" };\n`);
    expect(await compile(cwd, ["shop.ts"])).toBe("");
  });
});

describe("types --observed", () => {
  let project: LoggedProject;
  beforeAll(async () => {
    project = await startLoggedProject({ forward: false });
    const extra = `"Tier":"gold","${CONTROLS}":1,"odd name":{"a":[1,"b"]},"Company"`;
    await project.deliver("/webhooks/zoho/crm", leadBody().replace('"Company"', extra));
    await project.deliver("/webhooks/zoho/crm", leadBody().replaceAll("Leads", "Rockets"));
  });
  afterAll(() => project.stop());

  it("adds received fields as optional, and received modules by name", async () => {
    const { exitCode } = await project.run(["types", "crm", "--observed", "--out", "zoho.d.ts"]);
    expect(exitCode).toBe(0);
    writeFileSync(
      join(project.cwd, "use.ts"),
      `import type { ZohoEvents } from "./zoho.js";
declare const lead: ZohoEvents["crm"]["guide"]["Leads.create"];
declare const rocket: ZohoEvents["crm"]["guide"]["Rockets.create"];
export const tier: string | undefined = lead.data.Tier;
export const list: Array<string | number> | undefined = lead.data["odd name"]?.a;
export const company: string | undefined = rocket.data.Company;
`,
    );
    writeFileSync(
      join(project.cwd, "wrong.ts"),
      `import type { ZohoEvents } from "./zoho.js";
declare const lead: ZohoEvents["crm"]["guide"]["Leads.create"];
export const tier: string = lead.data.Tier;
`,
    );
    const errors = await compile(project.cwd, ["use.ts", "wrong.ts"]);
    expect(errors.match(/^\S+: error TS\d+/gm)).toEqual([expect.stringContaining("wrong.ts")]);
    expect(errors).toContain("'string | undefined' is not assignable to type 'string'");
    expect(readFileSync(join(project.cwd, "zoho.d.ts"), "utf8")).not.toMatch(/gold|Tanaka/);
  });

  it("escapes control characters in the names of received fields", async () => {
    const { out } = await project.run(["types", "crm", "--observed"]);
    expect(out).not.toMatch(OBEYED);
    expect(out).toContain('"a\\u009b\\u202e\\u2028b"?: number;');
  });

  it("reports a missing log", async () => {
    const { exitCode, err } = await run(["types", "--observed"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("log");
  });
});
