import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { type EventName, fixture, type Verdict } from "../../src/index.ts";
import { folderWith } from "../support/files.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const FLAGS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"];

/** How many types the compiler makes for an app that has the package installed. */
function typesMadeFor(app: string): number {
  const cwd = folderWith({ "package.json": '{"type":"module"}', "app.ts": app });
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(root, join(cwd, "node_modules/zoho-hooks"), "junction");
  const roots = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
  const argv = [tsc, ...FLAGS, ...roots, "--extendedDiagnostics", "app.ts"];
  const said = execFileSync(process.execPath, argv, { cwd, encoding: "utf8" });
  return Number(/^Types:\s+(\d+)/m.exec(said)?.[1]);
}

describe("the built types", () => {
  beforeAll(() => {
    execFileSync(process.execPath, [tsc, "--project", join(root, "tsconfig.library.json")]);
  }, 120_000);

  it("are read without waiting for them", () => {
    const app = `
      import { verify } from "zoho-hooks";
      const event = verify("crm", { headers: {}, body: "" }, { secret: "k" });
      if (event.ok && event.event === "Leads.create") event.payload.data.Last_Name.trim();
    `;
    // Each schema of the product compared with zod's own type makes 40,000 more, and seconds in an editor.
    expect(typesMadeFor(app)).toBeLessThan(10_000);
  });
});

describe("the name of a sample", () => {
  it("is one of the format's", () => {
    // @ts-expect-error: Desk's guide has no such event.
    expect(() => fixture("desk", "Ticket_Add")).toThrow(TypeError);
    // @ts-expect-error: nor has its wire format one of the guide's.
    expect(() => fixture("desk", "Ticket.Create", { format: "wire" })).toThrow(TypeError);
    expect(fixture("desk", "Ticket_Add", { format: "wire" })[0].eventType).toBe("Ticket_Add");
  });

  it("is suggested by an editor where a family has it, too", () => {
    const suggested: Extract<EventName<"crm">, "Leads.create"> = "Leads.create";
    expectTypeOf(suggested).toEqualTypeOf<"Leads.create">();
    const ofFamily: EventName<"crm"> = "Invoices.create";
    expect(fixture("crm", ofFamily)).toMatchObject({ module: "Invoices" });
  });
});

it("a known cause of a failure is one of those that there are", () => {
  const known: Verdict["match"] = "unknown_key";
  // @ts-expect-error: written as no cause is.
  const mistyped: Verdict["match"] = "unknown-key";
  expect(mistyped).not.toBe(known);
});
