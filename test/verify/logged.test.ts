import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { startHumanListener } from "../support/human-listener.ts";
import { run, tempFolder } from "../support/run.ts";

const env = { ZOHO_WEBHOOK_SECRET: "s3cr3t-of-the-test", ZOHO_WEBHOOK_TOKEN: "t0ken-of-the-test" };
const cwd = tempFolder();
let shown = "";

beforeAll(async () => {
  const human = await startHumanListener([], { cwd, env });
  await run(["send", "books", "invoice_created"], { cwd, env });
  await run(["send", "crm", "Leads.create", "--format", "guide"], {
    cwd,
    env: { ...env, ZOHO_WEBHOOK_SECRET: "an0ther-secret" },
  });
  await human.shown(/#2 [\s\S]*why: .*\n/);
  shown = (await human.stop()).out;
});

describe("a delivery whose signature is wrong", () => {
  const why = "why: zoho-hooks verify --logged 2 --explain\n";

  it("is shown with the command that explains it", async () => {
    expect(shown).toContain(why);
    expect(shown).not.toContain("--logged 1");
    expect((await run(["events", "show", "2"], { cwd })).out).toContain(why);
    expect((await run(["events", "show", "1"], { cwd })).out).not.toContain("why:");
  });

  it.each(["2", "last"])("is explained from the log as %s, with its token masked", async (which) => {
    for (const more of [["-v"], ["--json"]]) {
      const { exitCode, out, err } = await run(["verify", "--logged", which, "--explain", ...more], { cwd, env });
      expect([exitCode, err]).toEqual([3, expect.not.stringContaining("error")]);
      expect(out).toMatch(/why guide-signature: it covers|"explanations":\[\{"id":"guide-signature"/);
      expect(out + Buffer.from(/"body_b64":"([^"]*)/.exec(out)?.[1] ?? "", "base64")).not.toContain("t0ken");
    }
  });

  it("has no key where its secret is missing, and is shown with the log's verdict", async () => {
    const { exitCode, out } = await run(["verify", "--logged", "2", "--explain"], { cwd });
    expect(exitCode).toBe(6);
    expect(out).toMatch(/^\? #2: crm Leads\.create \(guide\) .*\n {2}\? no key now · was answered 401 at \d\d:\d\d\n/);
    expect(out).toContain("  ? no key (guide-signature): to verify it, set ZOHO_WEBHOOK_SECRET\n");
    expect(out).toMatch(
      / {2}when it arrived: wrong signature \(guide-signature\): .*; to see why, run this in a terminal where the secret is set/,
    );
    const genuine = await run(["verify", "--logged", "1"], { cwd });
    expect([genuine.exitCode, genuine.out]).toEqual([
      6,
      expect.stringContaining("  when it arrived: verified (guide-signature): signed with ZOHO_WEBHOOK_SECRET\n"),
    ]);
    expect((await run(["verify", "--logged", "1"], { cwd, env })).out).not.toContain("when it arrived");
  });

  it("is shown as it is now, and as it was answered then", async () => {
    const right = { ...env, ZOHO_WEBHOOK_SECRET: "an0ther-secret" };
    const { exitCode, out } = await run(["verify", "--logged", "2"], { cwd, env: right });
    expect([exitCode, out]).toEqual([
      0,
      expect.stringMatching(/^✓ #2: .*\n {2}✓ genuine now · was answered 401 at \d\d:\d\d\n/),
    ]);
    const wrong = await run(["verify", "--logged", "1"], { cwd, env: right });
    expect(wrong.out).toMatch(/^✗ #1: .*\n {2}✗ wrong signature now · was answered 200 at \d\d:\d\d\n/);
    const later = await run(["verify", "--logged", "2"], {
      cwd,
      env: right,
      now: () => new Date(Date.now() + 2 * 86_400_000),
    });
    expect(later.out).toMatch(/✓ genuine now · was answered 401 at \d{4}-\d\d-\d\d \d\d:\d\d\n/);
    const { lines } = await run(["verify", "--logged", "2", "--json"], { cwd, env: right });
    expect(lines()[0]).toMatchObject({ outcome: "valid", status: 401, at: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it("has its original size, whatever is masked in it", async () => {
    const [size = ""] = /\d+ B/.exec(/#2 .*/.exec(shown)?.[0] ?? "") ?? [];
    const { out } = await run(["verify", "--logged", "2"], { cwd, env });
    expect(out.split("\n")[0]).toMatch(new RegExp(` ${size}$`));
  });

  it("does not affect a genuine one", async () => {
    const { exitCode, out } = await run(["verify", "--logged", "1"], { cwd, env });
    expect([exitCode, out]).toEqual([0, expect.stringContaining("✓ #1: books invoice_created")]);
  });

  it.each([["2"], ["#2"], ["last"]])("is meant by %s alone, unless a file has this name", async (which) => {
    const alone = await run(["verify", which], { cwd, env });
    expect(alone).toMatchObject({ exitCode: 3, out: expect.stringContaining("✗ #2: crm Leads.create") });
    writeFileSync(join(cwd, which), "{}");
    expect((await run(["verify", which], { cwd, env })).out).toContain(`✗ ${which}: `);
    rmSync(join(cwd, which));
  });

  it.each([
    [["verify", "none.json"], "give its number: zoho-hooks verify 3"],
    [["verify", "1", "last"], "one delivery of the event log at a time, and there are 2\n  give one number"],
    [["verify", "--logged", "9"], "there is no event #9"],
    [["verify", "--logged", "1", "x.json"], "--logged and a file cannot be combined"],
  ])("still refuses %j", async (argv, said) => {
    const { exitCode, err } = await run(argv, { cwd, env });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(said)]);
  });
});

it("a delivery without its product's signature is no success where no key is set", async () => {
  const folder = tempFolder();
  const human = await startHumanListener([], { cwd: folder });
  await run(["send", "books", "invoice"], { cwd: folder });
  await run(["send", "commerce", "salesorder.delivered"], { cwd: folder });
  await human.shown(/#2 /);
  await human.stop();
  const { exitCode, out, lines } = await run(["verify", "--logged", "1", "--json"], { cwd: folder });
  expect([exitCode, lines()[0]]).toEqual([6, expect.objectContaining({ outcome: "no_key" })]);
  expect(out).toContain("nothing shows that Zoho sent it");
  // Zoho signs none of Commerce.
  expect((await run(["verify", "--logged", "2"], { cwd: folder })).exitCode).toBe(0);
});

it("explains in JSON, too, why a body is no event", async () => {
  const problemOf = async (body: string, ...argv: string[]) =>
    (await run(["verify", "--json", ...argv], { stdin: body })).lines()[0]?.problem;
  expect(await problemOf('{"a":1}')).toBe(
    "no known product sends a body like this; if you know its product, add --product",
  );
  expect(await problemOf('{"a":1}', "--product", "desk")).toBe(
    "not an event of desk; closest: desk in the format guide (event, orgId, ticketId, ticket are missing)",
  );
  expect((await run(["verify"], { stdin: '{"a":1}' })).out).toBe(
    "✗ (stdin): no known product sends a body like this; if you know its product, add --product  7 B\n",
  );
});
