import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, tempFolder } from "../support/run.ts";
import { closeAfterEach, send, env as sendEnv, target } from "../support/send.ts";

closeAfterEach();

// Windows finds no program without these.
const env = { PATH: process.env.PATH ?? "", SystemRoot: process.env.SystemRoot ?? "" };
const LISTEN = ["listen", "--port", "0", "--no-store", "--junit", "results.xml"];

/** Each test case of the file: its name, and what is wrong. */
function casesIn(cwd: string) {
  const xml = readFileSync(join(cwd, "results.xml"), "utf8");
  const found = xml.matchAll(/<testcase classname="[^"]*" name="([^"]*)"(?:\/>|><failure message="([^"]*)")/g);
  return [...found].map(([, name, failure]) => [name, failure]);
}

describe("listen --junit", () => {
  it("has each expectation and the program", async () => {
    const cwd = tempFolder();
    const argv = [
      "--expect",
      "crm:Leads.create=2",
      "--expect",
      "desk:*",
      "--timeout",
      "1s",
      "--exec",
      "node --version",
    ];
    const { exitCode } = await run([...LISTEN, ...argv], { cwd, env });
    expect(exitCode).toBe(8);
    expect(casesIn(cwd)).toEqual([
      ["expect.crm:Leads.create", "0 of 2 arrived"],
      ["expect.desk:*", "0 of 1 arrived"],
      ["exec", undefined],
    ]);
  });

  it.each([
    ["node --eval process.exit(3)", 3, "exited with 3"],
    ["node --eval setInterval(String,1000)", 8, "did not finish in time"],
  ])("says how %s failed", async (program, status, failure) => {
    const cwd = tempFolder();
    const quoted = program.replace(/\S+$/, (code) => `"${code}"`);
    const { exitCode } = await run([...LISTEN, "--exec", quoted, "--timeout", "1s"], { cwd, env });
    expect(exitCode).toBe(status);
    expect(casesIn(cwd)).toEqual([["exec", failure]]);
  });

  it("needs something that can fail", async () => {
    const { exitCode, err } = await run(LISTEN);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("--junit has no results to write without --expect")]);
  });
});

describe("send --junit", () => {
  it("has each event, with the first failure", async () => {
    const app = await target((response, { body }) => {
      response.writeHead(String(body).includes('"delete"') ? 500 : 200).end();
    });
    const cwd = tempFolder();
    const { exitCode } = await send("crm --all --format wire --to PORT --junit results.xml", app, { cwd });
    expect(exitCode).toBe(5);
    const cases = casesIn(cwd).filter(([name]) => name?.startsWith("crm.Leads."));
    expect(cases).toEqual([
      ["crm.Leads.create", undefined],
      ["crm.Leads.edit", undefined],
      ["crm.Leads.delete", "1 of 1 failed: answered 500"],
    ]);
  });

  it("counts the deliveries of one event, and how many failed", async () => {
    const app = await target((response, _, n) => void response.writeHead(n === 2 ? 503 : 200).end());
    const cwd = tempFolder();
    await send("crm Leads.create --count 3 --to PORT --junit results.xml", app, { cwd });
    expect(casesIn(cwd)).toEqual([["crm.Leads.create", "1 of 3 failed: answered 503"]]);
    expect(readFileSync(join(cwd, "results.xml"), "utf8")).toMatch(
      /<testsuites name="zoho-hooks send" tests="1" failures="1" errors="0" skipped="0" time="\d+(?:\.\d)?">/,
    );
  });

  it("says why a delivery could not be sent", async () => {
    const cwd = tempFolder();
    const argv = ["send", "crm", "Leads.create", "--to", "1", "--junit", "results.xml"];
    await run(argv, { cwd, env: sendEnv });
    expect(casesIn(cwd)).toEqual([["crm.Leads.create", expect.stringContaining("nothing listens on 127.0.0.1:1")]]);
  });

  it("writes nothing for a dry run", async () => {
    const cwd = tempFolder();
    const argv = ["send", "crm", "Leads.create", "--dry-run", "--junit", "results.xml"];
    const { exitCode, err } = await run(argv, { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("--junit needs answers, and --dry-run sends nothing")]);
    expect(existsSync(join(cwd, "results.xml"))).toBe(false);
  });
});

it("a GitHub job gets an annotation for each failure, beside the JSON on stdout", async () => {
  const argv = [...LISTEN, "--json", "--expect", "crm:Leads.create=2", "--timeout", "1ms"];
  const { err, lines } = await run(argv, { env: { GITHUB_ACTIONS: "true" } });
  expect(lines().at(-1)).toMatchObject({ type: "summary" });
  expect(err).toBe("::error title=zoho-hooks expect.crm%3ALeads.create::0 of 2 arrived\n");
  expect((await run(argv)).err).not.toContain("::error");
});
