import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { oneAfterTheOther, says, yes } from "../support/target-app.ts";

const JSON_TYPE = { "content-type": "application/json" };
const ONCE = ["--retries", "0"];

async function post(url: string): Promise<void> {
  await fetch(url + CRM, { method: "POST", body: lead(1), headers: JSON_TYPE });
}

describe("app answers in the output of listen", () => {
  it.each([
    ["JSON", '{"error":"no","access_token":"s3cr3t"}'],
    ["JSON that is cut off", `{"token":"s3cr3t","text":"${"x".repeat(2000)}"}`],
    ["a form", "error=no&authtoken=s3cr3t"],
    ["XML", "<error><token>s3cr3t</token></error>"],
  ])("masks secrets in %s, except with --show-secrets", async (_, answer) => {
    for (const respond of ["ack", "mirror"]) {
      for (const [flags, isShown] of [
        [[], false],
        [["--show-secrets"], true],
      ] as const) {
        const target = await app(says(500, answer));
        const url = `${target.url}/hook?zapikey=s3cr3t`;
        const listener = await startHumanListener(["--forward-to", url, "--respond", respond, ...ONCE, ...flags]);
        await post(listener.url);
        await listener.shown(/answer: .*\n/);
        const { out } = await listener.stop();
        expect(out.includes("s3cr3t")).toBe(isShown);
      }
    }
  });

  it("masks secrets of the target in its JSON line", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", `${target.url}/hook?token=s3cr3t`]);
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward")).toMatchObject({ target: `${target.url}/hook?token=[masked]` });
  });
});

describe("listen without --json", () => {
  it("writes events and forwards to stdout, and the rest to stderr", async () => {
    const target = await app(says(200, "OK"));
    const listener = await startHumanListener(["--forward-to", target.url]);
    await post(listener.url);
    await listener.shown(/→ 200/);
    const { out, err } = await listener.stop();
    expect(out.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d #1 +crm +Leads\.create/),
      expect.stringMatching(/^\d\d:\d\d:\d\d #1 +→ 200/),
    ]);
    expect(err).toMatch(/^Ready\. Listening on [\s\S]*Summary/);
  });

  it("says what a custom body could have been meant as, now and from the log", async () => {
    const cwd = tempFolder();
    const listener = await startHumanListener([], { cwd });
    const body = JSON.stringify({ event: "item_created", data: { item_id: "46000000000123" } });
    await fetch(`${listener.url}/webhooks/zoho/books`, { method: "POST", body, headers: JSON_TYPE });
    const likeness = "as the guide's item_created: organization_id is missing (--format guide)";
    await listener.shown(/--format guide/);
    const { out } = await listener.stop();
    expect(out.split("\n").map((line) => line.trim())).toEqual([
      expect.stringMatching(/ books +webhook +– unsigned {2}– custom: no schema to check /),
      likeness,
      "",
    ]);
    const { out: shown } = await run(["events", "show", "1"], { cwd });
    expect(shown).toContain(`  – custom: no schema to check\n  ${likeness}\n`);
  });

  it("names all that a record could be of where the URL does not tell", async () => {
    const listener = await startHumanListener();
    const body = JSON.stringify({ invoice: { invoice_id: "46000000004912301" } });
    for (const path of ["", "/inventory"])
      await fetch(`${listener.url}/webhooks/zoho${path}`, { method: "POST", body, headers: JSON_TYPE });
    await listener.shown(/#2 /);
    const { out } = await listener.stop();
    expect(out).toMatch(/#1 +books +invoice .*\n +could also be (\w+ invoice, ){2}\w+ invoice: the URL of its product/);
    for (const id of ["inventory", "invoice", "subscriptions"]) expect(out).toContain(`${id} invoice`);
    expect(out).toMatch(/#2 +inventory +invoice [^\n]*\n$/);
  });

  it("shortens long names that a sender makes up", async () => {
    const listener = await startHumanListener();
    const long = (letter: string) => letter.repeat(50_000);
    const body = JSON.stringify({ module: long("M"), operation: "create", ids: [long("i")], data: { [long("k")]: 1 } });
    await fetch(listener.url + CRM, { method: "POST", body, headers: JSON_TYPE });
    await listener.shown(/#1 .*MMM….*iii…/);
    const { out, err } = await listener.stop();
    expect(Math.max(...`${out}${err}`.split("\n").map((line) => line.length))).toBeLessThan(1000);
  });
});

describe("listen --quiet", () => {
  it("shows only problems", async () => {
    const target = await app(oneAfterTheOther(yes, yes, says(201)));
    const listener = await startHumanListener(["--forward-to", target.url, "-q"]);
    await post(listener.url);
    await post(listener.url);
    const ticket = readFileSync("fixtures/desk/wire/Ticket_Add.json", "utf8");
    await target.came(2);
    await fetch(`${listener.url}/webhooks/zoho/desk`, { method: "POST", body: ticket, headers: JSON_TYPE });
    await listener.shown(/accepts only a 200/);
    const { out } = await listener.stop();
    expect(out.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/#2 +crm .*duplicate of #1/),
      expect.stringMatching(/^\d\d:\d\d:\d\d #3 +→ 201/),
      expect.stringContaining("accepts only a 200"),
    ]);
  });
});

it.skipIf(lacks("posix"))(
  "listen reports the same problem once with a remedy, and at its end how often it happened",
  async () => {
    const cwd = tempFolder();
    const listener = await listen([], { cwd });
    rmSync(join(cwd, ".zoho-hooks", "events.db"));
    for (let i = 1; i <= 4; i++) expect((await listener.post(CRM, lead(i))).status).toBe(503);
    const { exitCode, lines } = await listener.stop();
    expect(exitCode).toBe(0);
    expect(lines().at(-1)).toMatchObject({ type: "summary", rejected: 4 });
    const warnings = lines().filter(({ message }) => /could not be recorded/.test(String(message)));
    expect(warnings).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/could not be recorded: .* was deleted while it was in use$/),
        hint: "start listen again to create a new log",
      }),
      expect.objectContaining({ message: expect.stringMatching(/was deleted while it was in use \(3 more times\)$/) }),
    ]);
  },
);
