import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { BIN, cleanEnv } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly shell?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly "working-directory"?: string;
  readonly with?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "action.yml"), "utf8");
const { inputs, runs } = parse(text) as Action;

/** A project that has the package installed, with a part that has another program of its name. */
function project(): string {
  const bin = "node_modules/.bin/zoho-hooks";
  const folder = folderWith({
    "package.json": '{ "private": true }',
    [bin]: `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`,
    "part/package.json": '{ "private": true }',
    [`part/${bin}`]: "#!/bin/sh\nexit 97\n",
  });
  for (const each of [bin, `part/${bin}`]) chmodSync(join(folder, each), 0o755);
  symlinkSync(ROOT, join(folder, "node_modules/zoho-hooks"));
  return folder;
}

/** Runs the action's shell steps as GitHub's runner does, and returns what they left. `uses` is the folder of the action. */
async function runAction(given: Readonly<Record<string, string>>, uses = "node_modules/zoho-hooks") {
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
  const filledIn = (value: string): string =>
    value.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name) => given[name] ?? inputs[name]?.default ?? "");
  const folder = project();
  const summary = join(tempFolder(), "summary.md");
  writeFileSync(summary, "");
  let log = "";
  let status: number | null = null;
  for (const { run, env = {}, "working-directory": cwd = "." } of runs.steps.filter((step) => step.run !== undefined)) {
    const values = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filledIn(value)]));
    const github = {
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_ACTION_PATH: join(folder, uses),
      GITHUB_STEP_SUMMARY: summary,
      ZOHO_WEBHOOK_TOKEN: "t0ken",
    };
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", filledIn(run ?? "")], {
      cwd: join(folder, filledIn(cwd)),
      env: cleanEnv({ ...github, ...values }),
    });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
    [status] = await once(child, "close");
  }
  const report = (name: string): string => readFileSync(join(folder, "zoho-hooks-reports", name), "utf8");
  return { status, log, summary: readFileSync(summary, "utf8"), report, files: readdirSync(folder) };
}

const SEND = "npx zoho-hooks send crm Leads.create --quiet --to $ZOHO_HOOKS_URL_CRM";

describe.skipIf(lacks("posix"))("the GitHub action", { timeout: 180_000 }, () => {
  it("describes and uses each input, and nothing but inputs", () => {
    const used = [...text.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name);
    expect([...new Set(used)].sort()).toEqual(Object.keys(inputs).sort());
    expect(Object.values(inputs).every(({ description }) => description.endsWith("."))).toBe(true);
    expect(text.match(/\$\{\{(?! inputs\.[\w-]+ \}\})/)).toBeNull();
    // A value in a script would be run by the shell.
    expect(runs.steps.map(({ run = "" }) => run).join()).not.toContain("${{");
    expect(runs.steps.map(({ uses, shell }) => uses ?? shell)).toEqual([
      "actions/setup-node@v4",
      "bash",
      "actions/upload-artifact@v4",
    ]);
  });

  it("is green when the events of a command have come", async () => {
    const { status, log, summary, report } = await runAction({ expect: "crm:Leads.create\n\n", exec: SEND });
    expect([status, log]).toEqual([0, expect.not.stringContaining("::error")]);
    expect(summary).toContain("### zoho-hooks listen\n\n2 passed, 0 warnings, 0 failed");
    expect(report("junit.xml")).toContain('name="zoho-hooks listen" tests="2" failures="0"');
    const lines = report("events.ndjson").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).type)).toEqual(["ready", "event", "summary"]);
  });

  it("is red when one does not come, and says which", async () => {
    const given = { expect: "crm:Leads.create\ndesk:Ticket_Add", exec: SEND, args: "--timeout 5s --no-store" };
    const { status, log, summary, report } = await runAction(given);
    expect([status, log]).toEqual([
      8,
      expect.stringContaining("::error title=zoho-hooks expect.desk%3ATicket_Add::0 of 1 arrived\n"),
    ]);
    expect(summary).toContain("| ❌ | `expect.desk:Ticket_Add` | 0 of 1 arrived |");
    expect(report("junit.xml")).toContain('<failure message="0 of 1 arrived">');
  });

  it("checks an app", async () => {
    const app = await startTarget();
    onTestFinished(() => app.close());
    const given = { target: String(app.port), args: "--product crm --only protocol.valid-delivery" };
    expect((await runAction(given)).status).toBe(0);
    const { status, log, report } = await runAction({ ...given, args: "--product crm --only security.wrong-token" });
    expect([status, log]).toEqual([8, expect.stringContaining("::error title=zoho-hooks security.wrong-token::")]);
    expect(report("events.ndjson")).toContain('"outcome":"failed"');
  });

  it("runs the package that it is in, and no other", async () => {
    const inPart = await runAction({ "working-directory": "part", exec: "true" });
    expect([inPart.status, inPart.log]).toEqual([0, ""]);
    const { status, log } = await runAction({ exec: "true" }, "part");
    expect([status, log]).toEqual([2, expect.stringContaining("uses: ./node_modules/zoho-hooks")]);
  });

  it.each(["check", "listen"])("takes no target of %s for an option", async (command) => {
    const exec = command === "listen" ? "true" : "";
    const { status, log, files } = await runAction({ target: "--exec=touch pwned", exec });
    expect([status, log]).toEqual([2, expect.stringContaining('\\"--exec=touch pwned\\" is not a target')]);
    expect(files).not.toContain("pwned");
  });
});
