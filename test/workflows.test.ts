import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { folderWith } from "./support/files.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, ".github/workflows");

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly uses?: string; readonly run?: string }[] }>
  >;
}

describe.each(readdirSync(FOLDER))("the workflow %s", (name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  const steps = Object.values((parse(text) as Workflow).jobs).flatMap((job) => job.steps);

  it("pins the steps of others to commits, and names their version", () => {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, action = ""]) => action);
    expect(uses).toHaveLength(steps.filter((step) => step.uses !== undefined).length);
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("runs what is there", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const runs = steps.map(({ run = "" }) => run).join("\n");
    for (const [, script = ""] of runs.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
    for (const [, file = ""] of runs.matchAll(/(\.ci\/[\w.-]+)/g)) expect(existsSync(join(ROOT, file))).toBe(true);
  });
});

describe("the check before publishing", () => {
  /** With another owner, version or changelog. */
  function check(
    { url = "git+https://github.com/acme/zoho-hooks.git", heading = "## 1.2.3 - 2026-12-31" },
    env: Readonly<Record<string, string>> = {},
    argv: readonly string[] = [],
  ) {
    const folder = folderWith({
      "package.json": JSON.stringify({ version: "1.2.3", repository: { type: "git", url } }),
      "CHANGELOG.md": `# Changelog\n\n${heading}\n\n- new\n\n## 1.2.2 - 2026-01-01\n\n- old\n`,
      ".ci/package.json": '{"type":"module"}',
    });
    cpSync(join(ROOT, ".ci/publishable.js"), join(folder, ".ci/publishable.js"));
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, ".ci/publishable.js"), ...argv], {
      env: { PATH: process.env.PATH, ...env },
      encoding: "utf8",
    });
    return { status, out: stdout + stderr };
  }

  it.each([
    [{ url: "git+https://github.com/OWNER/zoho-hooks.git" }, {}, /put the owner/],
    [{}, { GITHUB_REPOSITORY: "other/zoho-hooks" }, /names acme\/zoho-hooks, and this is other\/zoho-hooks/],
    [{}, { GITHUB_REF_TYPE: "tag", GITHUB_REF_NAME: "v1.2.4" }, /v1\.2\.4 is not v1\.2\.3/],
    [{ heading: "## 1.2.3 (not yet released)" }, {}, /CHANGELOG/],
    [{ heading: "## 1.2.30 - 2026-12-31" }, {}, /CHANGELOG/],
  ])("refuses %j %j", (project, env, message) => {
    expect(check(project, env)).toEqual({ status: 1, out: expect.stringMatching(message) });
  });

  it("lets a tagged version pass, and prints its notes", () => {
    const env = { GITHUB_REPOSITORY: "acme/zoho-hooks", GITHUB_REF_TYPE: "tag", GITHUB_REF_NAME: "v1.2.3" };
    expect(check({}, env)).toEqual({ status: 0, out: "" });
    expect(check({}, env, ["--notes"])).toEqual({ status: 0, out: "- new\n" });
  });
});
