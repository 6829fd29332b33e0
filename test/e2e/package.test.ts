import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** Without its scripts, which would build under the other tests. */
function packedFiles(): readonly string[] {
  const argv = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const out = execFileSync("npm", argv, { cwd: ROOT, encoding: "utf8", shell: process.platform === "win32" });
  const packed = JSON.parse(out);
  // npm 12 has an object of packages, older ones a list.
  const [{ files }] = Object.values(packed) as [{ files: readonly { readonly path: string }[] }];
  return files.map(({ path }) => path);
}

it("packs what is used, and nothing else", () => {
  const kinds = packedFiles().map((path) =>
    path
      .replace(/^fixtures\/.*\.json$/, "fixtures/….json")
      .replace(/^dist\/types\/.*\.(d\.c?ts)$/, "dist/types/….$1")
      .replace(/^dist\/(chunks|library)\/.*\.(c?js)$/, "dist/$1/….$2")
      .replace(/^docs\/(products|verify)\/.*\.md$/, "docs/$1/….md"),
  );
  expect([...new Set(kinds)].sort()).toMatchInlineSnapshot(`
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "THIRD_PARTY_NOTICES.md",
      "action.yml",
      "bin/package.json",
      "bin/zoho-hooks.js",
      "dist/chunks/….cjs",
      "dist/cli.cjs",
      "dist/emulator/app.css",
      "dist/emulator/app.js",
      "dist/emulator/index.html",
      "dist/inspector/app.css",
      "dist/inspector/app.js",
      "dist/inspector/index.html",
      "dist/library/….cjs",
      "dist/library/….js",
      "dist/types/….d.cts",
      "dist/types/….d.ts",
      "docs/README.md",
      "docs/agents.md",
      "docs/channel-expiry-refused.md",
      "docs/channel-stops-after-an-hour.md",
      "docs/check.md",
      "docs/commands.md",
      "docs/configuration.md",
      "docs/crm-channel.md",
      "docs/does-zoho-sign-webhooks.md",
      "docs/emulator.md",
      "docs/formats.md",
      "docs/getting-started.md",
      "docs/in-the-app.md",
      "docs/inspector.md",
      "docs/json-schema.json",
      "docs/json.md",
      "docs/library.md",
      "docs/loops.md",
      "docs/missed.md",
      "docs/openapi.json",
      "docs/own-products.md",
      "docs/performance.md",
      "docs/products/….md",
      "docs/receiving.md",
      "docs/sending.md",
      "docs/team.md",
      "docs/testing.md",
      "docs/too-many-requests.md",
      "docs/troubleshooting.md",
      "docs/verify-elsewhere.md",
      "docs/verify/….md",
      "docs/verifying.md",
      "examples/fastapi/README.md",
      "examples/fastapi/app.py",
      "examples/fastapi/crontab",
      "examples/fastapi/requirements.txt",
      "examples/guide-worker/README.md",
      "examples/guide-worker/package.json",
      "examples/guide-worker/worker.js",
      "examples/next-on-vercel/README.md",
      "examples/next-on-vercel/app/api/cron/zoho/route.js",
      "examples/next-on-vercel/app/layout.js",
      "examples/next-on-vercel/app/webhooks/zoho/route.js",
      "examples/next-on-vercel/database.js",
      "examples/next-on-vercel/package.json",
      "examples/next-on-vercel/store.js",
      "examples/next-on-vercel/vercel.json",
      "examples/next-on-vercel/zoho.js",
      "examples/supabase-functions/README.md",
      "examples/supabase-functions/cron.sql",
      "examples/supabase-functions/supabase/config.toml",
      "examples/supabase-functions/supabase/functions/_shared/database.ts",
      "examples/supabase-functions/supabase/functions/_shared/store.ts",
      "examples/supabase-functions/supabase/functions/_shared/zoho.ts",
      "examples/supabase-functions/supabase/functions/zoho-channel/deno.json",
      "examples/supabase-functions/supabase/functions/zoho-channel/index.ts",
      "examples/supabase-functions/supabase/functions/zoho-webhook/deno.json",
      "examples/supabase-functions/supabase/functions/zoho-webhook/index.ts",
      "examples/supabase-functions/supabase/migrations/20260101000000_zoho.sql",
      "examples/testing/LeadsTest.php",
      "examples/testing/README.md",
      "examples/testing/leads.spec.js",
      "examples/testing/leads_test.go",
      "examples/testing/test_leads.py",
      "fixtures/….json",
      "llms.txt",
      "package.json",
      "skills/zoho-hooks/SKILL.md",
    ]
  `);
}, 60_000);
