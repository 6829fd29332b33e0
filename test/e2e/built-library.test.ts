import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const built = join(root, "dist/library/index.js");
const FLAGS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"];

/** How many types the compiler makes for an app that has the package installed. */
function typesMadeFor(app: string, type = "module", mode = "nodenext"): number {
  const cwd = folderWith({ "package.json": JSON.stringify({ type }), "app.ts": app });
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(root, join(cwd, "node_modules/zoho-hooks"), "junction");
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const roots = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
  const argv = [tsc, ...FLAGS, "--module", mode, ...roots, "--extendedDiagnostics", "app.ts"];
  const said = execFileSync(process.execPath, argv, { cwd, encoding: "utf8" });
  return Number(/^Types:\s+(\d+)/m.exec(said)?.[1]);
}

/** The packages that a file imports, itself or through files beside it. */
function importsOf(file: string): readonly string[] {
  const names = [...readFileSync(file, "utf8").matchAll(/^import .*?from "([^"]+)"/gm)].map(([, name = ""]) => name);
  return names.flatMap((name) => (name.startsWith(".") ? importsOf(join(dirname(file), name)) : [name]));
}

describe("the built library", () => {
  it.each(["connect.js", "connect.cjs"])("%s needs nothing of Node", (name) => {
    const code = readFileSync(join(root, "dist/library", name), "utf8");
    expect(code).not.toMatch(/["']node:|\bBuffer\b|\bprocess\s*[.?[]/);
    const packages = [...code.matchAll(/(?:\bfrom |\bimport\(|\brequire\()"([^"]+)"/g)].map((match) => match[1]);
    expect(packages).toEqual(["zod"]);
  });

  it("has types for a connection that compile where those of Node are not installed", () => {
    const app = `import { connectZoho, memoryStore, type Store, ZohoError } from "zoho-hooks/zoho";
      declare const variables: Record<string, string | undefined>;
      const store: Store = { ...memoryStore(), set: async (key: string, value: string) => { key + value; } };
      const { clientId, clientSecret, refreshToken, dc } = variables;
      const zoho = connectZoho({ clientId, clientSecret, refreshToken, dc, store, fetch });
      export async function GET(request: Request): Promise<Response> {
        try {
          const spec = { name: "billing", url: request.url, token: "t", events: ["Leads.all"] };
          return Response.json(await zoho.keepAlive({ ...spec, signal: request.signal }));
        } catch (error) {
          if (!(error instanceof ZohoError)) throw error;
          return Response.json({ code: error.code, hint: error.hint }, { status: error.isSignIn ? 500 : 503 });
        }
      }`;
    const cwd = folderWith({ "package.json": '{"type":"module"}', "app.ts": app });
    mkdirSync(join(cwd, "node_modules"));
    symlinkSync(root, join(cwd, "node_modules/zoho-hooks"), "junction");
    const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--types", ""];
    const argv = [join(root, "node_modules/typescript/bin/tsc"), ...flags, "--module", "nodenext", "app.ts"];
    const { stdout } = spawnSync(process.execPath, argv, { cwd, encoding: "utf8" });
    expect(stdout).toBe("");
  });

  it.each(["index", "express", "fastify", "hono", "next", "testing"])(
    "%s loads nothing but zod and Node's own modules",
    (name) => {
      const imported = importsOf(join(root, `dist/library/${name}.js`));
      expect(imported).toContain("zod");
      expect(imported.filter((each) => each !== "zod" && !each.startsWith("node:"))).toEqual([]);
    },
  );

  it.each(["hono", "next"])("%s loads no part of Node that edge runtimes lack", (name) => {
    const modules = importsOf(join(root, `dist/library/${name}.js`)).filter((each) => each.startsWith("node:"));
    expect([...new Set(modules)].sort()).toEqual(["node:buffer", "node:crypto"]);
  });

  it("signs, verifies and finds its samples in a process of its own", () => {
    const script = `
      import { fixture, sign, verify } from ${JSON.stringify(pathToFileURL(built).href)};
      const signed = sign("desk", fixture("desk", "Ticket.Create"), { secret: "k" });
      const right = verify("desk", signed, { secret: "k" });
      const wrong = verify("desk", signed, { secret: "K" });
      console.log(JSON.stringify([right.ok, right.event, wrong.ok, wrong.code]));
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([true, "Ticket.Create", false, "wrong-signature"]);
  });

  it("is required where no ES module can be, as in Jest", () => {
    const app = `const { fixture, sign, verify } = require("zoho-hooks");
      const request = sign("books", fixture("books", "invoice_created"), { secret: "k" });
      console.log(verify("books", request, { secret: "k" }).ok);`;
    const argv = ["--no-experimental-require-module", "--eval", app];
    expect(execFileSync(process.execPath, argv, { cwd: root, encoding: "utf8" })).toBe("true\n");
  });

  it.each([
    ["imported", "--input-type=module", 'import { startZoho } from "zoho-hooks/testing";'],
    ["required", "--no-experimental-require-module", 'const { startZoho } = require("zoho-hooks/testing");'],
  ])("starts a Zoho that delivers where it is %s", (_, flag, load) => {
    const app = `${load}
      const main = async () => {
        const zoho = await startZoho();
        const order = { product: "crm", event: "Leads.create", to: zoho.url };
        await fetch(zoho.url + "/_emulator/deliver", { method: "POST", body: JSON.stringify(order) });
        const lead = await zoho.crm.create("Leads", { Last_Name: "Doe" });
        const [{ event, status }] = await zoho.deliveries();
        console.log(JSON.stringify([/^\\d{19}$/.test(lead.id), event, status]));
        await zoho.close();
      };
      main();`;
    const said = execFileSync(process.execPath, [flag, "--eval", app], { cwd: root, encoding: "utf8" });
    // Its own address is no webhook: without a token the answer is 401.
    expect(JSON.parse(said)).toEqual([true, "Leads.create", 401]);
  });

  it("has types for apps that require it", () => {
    const app = `
      import zohoHooks = require("zoho-hooks");
      import { webhook } from "zoho-hooks/express";
      import { createListener, type Received, startZoho, type Zoho } from "zoho-hooks/testing";
      const event: zohoHooks.VerifyResult<"crm"> = zohoHooks.verify("crm", { headers: {}, body: "" }, { secret: "k" });
      if (event.ok && event.event === "Leads.create") event.payload.data.Last_Name.trim();
      webhook("crm", { secret: "k" }, ({ name }) => name?.trim());
      export const lead = async (zoho: Zoho) => (await zoho.crm.create("Leads", { Last_Name: "Doe" })).id;
      export const zoho = (): Promise<Zoho> => startZoho();
      export const next = async (): Promise<Received> => (await createListener()).next("crm:*");
    `;
    // In the mode of older versions of Node, an app may not import an ES module.
    expect(typesMadeFor(app, "commonjs", "node16")).toBeGreaterThan(0);
  });

  it("has types that a compiler reads fast", () => {
    const app = `
      import { verify } from "zoho-hooks";
      const event = verify("crm", { headers: {}, body: "" }, { secret: "k" });
      if (event.ok && event.event === "Leads.create") event.payload.data.Last_Name.trim();
    `;
    // Each schema of the product compared with zod's own type makes 40,000 more, and seconds in an editor.
    expect(typesMadeFor(app)).toBeLessThan(10_000);
  });
});
