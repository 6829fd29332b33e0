import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { closeAfterEach, env, send, target } from "../support/send.ts";

closeAfterEach();

describe("send refuses", () => {
  const lead = ["crm", "Leads.create"];
  it.each([
    ["nothing to send", [], "needs a product and an event"],
    ["a product without an event", ["crm"], "such as Leads.create"],
    ["an unknown product, with the nearest", ["cmr", "Leads.create"], "did you mean crm?"],
    ["an event without its product", ["leads.create"], "it is an event of crm: crm Leads.create\n"],
    ["an empty product", ["", "Leads.create"], "\n  products: crm, desk"],
    ["an unknown event, with the nearest", ["books", "invoice_craeted"], "did you mean invoice_created"],
    ["the name of a family", ["books", "invoice.<operation>", "--format", "wire"], "such as invoice.created"],
    ["an unknown format", [...lead, "--format", "smoke"], "formats: wire, guide"],
    ["a format that no product has", ["--all", "--format", "smoke"], "no product has a format"],
    ["--all with an event", [...lead, "--all"], "cannot be combined"],
    ["--all with an event behind its product's name", ["crm.Leads.create", "--all"], "--all and an event name"],
    ["a challenge with one", ["crm.Leads.create", "--challenge"], "a challenge is not an event"],
    ["--all with --data", ["crm", "--all", "--data", "{}"], "cannot be combined"],
    ["--all with --challenge", ["crm", "--all", "--challenge"], "cannot be combined"],
    ["a challenge with an event", [...lead, "--challenge"], "a challenge is not an event"],
    ["a challenge with --set", ["crm", "--challenge", "x", "--set", "a=1"], "cannot be combined"],
    ["a challenge of a sender that sends none", ["books", "--challenge", "--format", "wire"], "--format guide"],
    ["an empty challenge", ["crm", "--challenge", ""], "empty"],
    ["--bad-signature with --no-signature", [...lead, "--bad-signature", "--no-signature"], "cannot be combined"],
    ["--bad-token with a body of one's own", ["crm", "--data", "{}", "--bad-token"], "byte for byte"],
    ["a body's file without its name", ["crm", "--data", "@"], "write it as --data @body.json"],
    ["a part of an event's name", ["sign", "completed"], "did you mean RequestCompleted"],
    [
      "an event of another format",
      ["books", "invoice_created", "--format", "wire"],
      "it has invoice.created, invoice.updated, invoice.deleted, …: see zoho-hooks products books; or add --format guide",
    ],
    [
      "an entry far behind the last of a list",
      ["books", "invoice", "--format", "wire", "--set", "invoice.line_items[3].rate=5"],
      "the list has one entry, 0; the next index is 1",
    ],
    ["a --set without a value", [...lead, "--set", "data.Email"], "has no value"],
    ["--seed with --no-fresh", [...lead, "--seed", "1", "--no-fresh"], "--seed does nothing"],
    ["a seed that is no number", [...lead, "--seed", "abc"], "--seed"],
    ["a count of 0", [...lead, "--count", "0"], "--count"],
    ["a count that is no number", [...lead, "--count", "1e3"], "--count"],
    ["a concurrency without bounds", [...lead, "--concurrency", "1000"], "from 1 to 256"],
    ["a time-out of 0", [...lead, "--timeout", "0"], "--timeout"],
    ["a time-out that is none", [...lead, "--timeout", "soon"], "not a duration"],
    ["a time-out that no timer takes", [...lead, "--timeout", "30d"], "must be more than 0 and at most 24h"],
    ["a header without a colon", [...lead, "-H", "x-a 1"], "is not a header"],
    ["a header of the connection", [...lead, "-H", "Host: a.test"], "comes from the URL"],
    ["a header that is not ASCII", [...lead, "-H", "x-a: ü"], "printable ASCII"],
    ["a target that is none", [...lead, "--to", "ftp://a.test"], "only http and https are supported"],
    ["a value for a flag that has none", [...lead, "--dry-run=yes"], "--dry-run takes no value"],
    ["an unknown flag", [...lead, "--bad-signatur"], "did you mean --bad-signature?"],
    ["the beginning of a flag", [...lead, "--bad"], "did you mean --bad-signature or --bad-token?"],
    [
      "a secret behind a flag that is none",
      [...lead, "--secret=abc"],
      "'--secret'\n  no flag takes a secret: set ZOHO_WEBHOOK_SECRET,",
    ],
  ])("%s", async (_, argv, said) => {
    const app = await target();
    const { exitCode, out, err } = await run(
      ["send", ...(argv.includes("--to") ? [] : ["--to", `${app.port}`]), ...argv],
      {
        env,
      },
    );
    expect(err).toContain(said);
    expect(exitCode).toBe(2);
    expect(out).toBe("");
    expect(app.seen).toHaveLength(0);
  });

  it("an empty secret, which would silently send unsigned", async () => {
    const app = await target();
    const { exitCode, err } = await send("crm Leads.create --to PORT", app, { env: { ZOHO_WEBHOOK_SECRET: "" } });
    expect(exitCode).toBe(2);
    expect(err).toContain("ZOHO_WEBHOOK_SECRET is set but empty");
    expect(app.seen).toHaveLength(0);
  });

  it.each([
    ["in UTF-16", Buffer.from("\ufeffs3cr3t", "utf16le"), "not UTF-8 text"],
    ["in Latin-1", Buffer.from("s\xe9cret", "latin1"), "not UTF-8 text"],
    ["that is invisible", Buffer.from("\u200b\n"), "empty"],
  ])("a secret's file %s, whose signatures would all be wrong", async (_, content, problem) => {
    const app = await target();
    const options = { cwd: folderWith({ key: content }), env: { ZOHO_WEBHOOK_SECRET_FILE: "key" } };
    const { exitCode, err } = await send("crm Leads.create --to PORT", app, options);
    const expected = new RegExp(`ZOHO_WEBHOOK_SECRET_FILE: .*key is ${problem}`);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(expected)]);
    expect(app.seen).toHaveLength(0);
  });

  it("in JSON mode with one object on stderr", async () => {
    const { err, out } = await run(["send", "crm", "Leads.creat", "--json"], { env });
    expect(JSON.parse(err)).toMatchObject({ error: { code: "usage", hint: expect.stringContaining("Leads.create") } });
    expect(out).toBe("");
  });
});

describe("send --help-all", () => {
  it("explains the target and the exit codes", async () => {
    const { exitCode, out } = await run(["send", "--help-all"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("--to 3000");
    expect(out.replace(/\s+/g, " ")).toContain(
      "Exits with 0 if every delivery was answered with 2xx, else with 5. One with a fault has to be refused (400, 401, 403 or 422): exits with 8 if it was accepted. With --expect-status, exits with 0",
    );
  });
});
