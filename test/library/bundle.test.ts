import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { expect, it } from "vitest";
import { folderWith } from "../support/files.ts";

const library = fileURLToPath(new URL("../../src/library/index.ts", import.meta.url));

/** Bundles an app into one CommonJS file, in which `import.meta.url` is undefined, as with esbuild. */
async function bundled(app: string): Promise<{ readonly file: string; readonly code: string }> {
  const folder = folderWith({ "app.js": app });
  const file = join(folder, "out", "app.cjs");
  const { output } = await build({
    input: join(folder, "app.js"),
    resolve: { alias: { "zoho-hooks": library } },
    platform: "neutral",
    external: /^node:/,
    output: { file, format: "cjs" },
    logLevel: "silent",
  });
  return { file, code: output[0].code };
}

it("an app that is bundled as CommonJS verifies, and gets an error that explains the missing samples", async () => {
  const { file } = await bundled(`
    import { fixture, sign, verify } from "zoho-hooks";
    const event = { event: "invoice_created", organization_id: "1", data: {} };
    console.log(verify("books", sign("books", event, { secret: "k" }), { secret: "k" }).issues.length);
    try { fixture("crm", "Leads.create"); } catch (error) { console.log(error.message); }
  `);
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^[1-9]\d*\nthe sample of crm Leads\.create .*make "zoho-hooks" external/);
});

it("unused parts of the library are not in the bundle of an app", async () => {
  const { code } = await bundled('import { verify } from "zoho-hooks"; console.log("app");');
  expect(code).toContain("app");
  expect(code.length).toBeLessThan(1000);
});
