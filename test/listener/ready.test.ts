import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../../src/products/index.ts";
import { folderWith } from "../support/files.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { startListener } from "../support/listener.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { startTargetApp } from "../support/target-app.ts";
import { startTestTunnel } from "../support/test-tunnel.ts";

const env = { NO_COLOR: "1", ZOHO_WEBHOOK_SECRET: "s3cret", ZOHO_WEBHOOK_TOKEN: "t0ken" };

/** The lines on stderr of a person's terminal, up to the summary. */
async function screen(argv: readonly string[], options: RunOptions = {}): Promise<readonly string[]> {
  const { err } = await run(["listen", "--port", "0", "--no-store", "--timeout", "1ms", ...argv], {
    env,
    errTTY: true,
    errColumns: 80,
    ...options,
  });
  return (err.split("\n\nSummary")[0] ?? "")
    .replace(/:\d{5}\b/g, ":PORT")
    .trimEnd()
    .split("\n");
}

describe("the ready block of listen", () => {
  it("is calm where everything is set up, and names what is not checked", async () => {
    const tunnel = await startTestTunnel();
    const { overrides } = tunnel;
    const more = { ZOHO_WEBHOOK_SECRET_DESK: "d3sk", ZOHO_WEBHOOK_SECRET_BOOKS: "b00ks", NGROK_AUTHTOKEN: "x" };
    const lines = await screen(["3000", "-f", "4000", "-f", "5000"], { env: { ...env, ...more }, overrides });
    await tunnel.close();
    expect(lines).toEqual([
      "Ready. Listening on http://127.0.0.1:PORT/webhooks/zoho/<product>",
      "  forwards to  http://localhost:3000/webhooks/zoho/<product> +2 more",
      expect.stringMatching(/^ {2}app {10}/),
      "  checks       ZOHO_WEBHOOK_SECRET +3 more (rejects what fails)",
      "  not checked  no key set: desk, mail, salesiq, cliq",
      "               never signed: creator, projects, forms, survey, analytics,",
      "               campaigns, people, sprints, flow, signals, commerce, connect",
      "  public URL   http://127.0.0.1:PORT/webhooks/zoho/<product>",
      expect.stringMatching(/^ {2}try it {7}zoho-hooks send crm Leads\.create --to \d+$/),
    ]);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it("says whether the app answers", async () => {
    const target = await startTargetApp();
    const isUp = async (...flags: string[]): Promise<unknown> => {
      const listener = await startListener(["--no-store", ...flags]);
      await listener.stop();
      return listener.lines().find(({ type }) => type === "ready")?.app_answers;
    };
    expect(await isUp("-f", target.url)).toBe(true);
    expect(await isUp()).toBe(null);
    expect(await screen(["-f", target.url])).toContain("  app          answers");
    await target.stop();
    expect(await isUp("-f", target.url)).toBe(false);
    expect(await screen(["-f", target.url])).toContain("  app          does not answer yet: deliveries wait for it");
  });

  it("is followed by a notice once a file of the project's settings has changed", async () => {
    const cwd = folderWith({ "zoho-hooks.config.json": "{}" });
    const interrupt = new AbortController();
    let shown = "";
    const onErr = (text: string): void => {
      shown += text;
    };
    const finished = run(["listen", "--port", "0"], { cwd, signal: interrupt.signal, onErr });
    // The first change may come before the watch has begun.
    const change = () => writeFileSync(join(cwd, "zoho-hooks.config.json"), `{ "retries": ${shown.length} }`);
    await expect.poll(() => change() ?? shown).toContain("zoho-hooks.config.json has changed: restart to use it");
    interrupt.abort();
    const { err } = await finished;
    expect(err.match(/has changed/g)).toHaveLength(1);
  });

  it("lists all products, those with settings first", async () => {
    const cwd = folderWith({ "zoho-hooks.config.json": '{"products":{"desk":{},"forms":{}}}' });
    const lines = await screen(["-v"], { cwd });
    expect(lines[0]).toBe("Ready. Listening on http://127.0.0.1:PORT/webhooks/zoho/<product>");
    expect(lines.join(" ")).toContain("Products: desk, forms, crm, books,");
    const listener = await startListener(["--no-store"], { cwd });
    const { urls = {} } = (await listener.line("ready")) as { urls?: Record<string, string> };
    await listener.stop();
    expect(Object.keys(urls)).toHaveLength(products.length);
  });

  it("shows notes only of events that it shows", async () => {
    const notesWith = async (events: string) => {
      const human = await startHumanListener(["--no-store", "--events", events]);
      await fetch(`${human.url}/webhooks/zoho/books`, { method: "POST", body: '{"invoice":{"invoice_id":"1"}}' });
      const { out, err } = await human.stop();
      return (out + err).match(/books: the body does not say/g);
    };
    expect(await notesWith("books:*")).toHaveLength(1);
    expect(await notesWith("crm:*")).toBeNull();
  });

  it("shows the filter of events, and counts what it hides", async () => {
    const flags = ["--no-store", "--events", "crm:Leads.*,books:*"];
    const human = await startHumanListener(flags);
    for (const product of ["books", "desk", "desk"])
      await fetch(`${human.url}/webhooks/zoho/${product}`, { method: "POST", body: '{"invoice":{"invoice_id":"1"}}' });
    const { err } = await human.stop();
    expect(err).toMatch(/^ {2}events {7}crm:Leads\.\*,books:\*$/m);
    expect(err).toMatch(/^2 hidden by --events\.$/m);
    const listener = await startListener(flags);
    await listener.post("/webhooks/zoho/desk", "{}");
    const lines = (await listener.stop()).lines();
    expect(lines[0]).toMatchObject({ type: "ready", events: ["crm:Leads.*,books:*"] });
    expect(lines.at(-1)).toMatchObject({ received: 1, hidden: 1, products: { desk: { received: 1, hidden: 1 } } });
  });

  it.each([
    ["{}", {}, true],
    ['{"format":"guide"}', {}, false],
    ["{}", { ZOHO_WEBHOOK_SECRET_FORMS: "f0rms" }, false],
    ['{"auth":{"header":"x-key"}}', { ZOHO_WEBHOOK_AUTH: "kn0ck" }, false],
  ])("names what is accepted unsigned, with %s and %j for forms", async (forms, more, isUnsigned) => {
    const cwd = folderWith({ "zoho-hooks.config.json": `{"products":{"forms":${forms}}}` });
    const listener = await startListener(["--no-store"], { cwd, env: { ...env, ...more } });
    const { notes } = (await listener.line("ready")) as { notes?: string[] };
    await listener.stop();
    const [note = ""] = notes?.filter((each) => each.startsWith("Zoho never signs ")) ?? [];
    expect([note.includes("people"), note.includes("forms")]).toEqual([true, isUnsigned]);
  });

  it("says that nothing is checked, and how to get a public URL", async () => {
    expect(await screen([], { env: { NO_COLOR: "1" } })).toEqual([
      "Ready. Listening on http://127.0.0.1:PORT/webhooks/zoho/<product>",
      "  checks       nothing: set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN",
      "  public URL   none: use --tunnel cloudflared, NGROK_AUTHTOKEN or --public-url",
      expect.stringContaining("try it"),
    ]);
  });

  it("warns when others can reach the address and nothing is checked", async () => {
    const warning = "warning: anyone who can reach 0.0.0.0 can post events: no signature, token or address is checked";
    const open = ["--host", "0.0.0.0"];
    const text = async (...given: Parameters<typeof screen>) => (await screen(...given)).join(" ").replace(/\s+/g, " ");
    expect((await text(open, { env: { NO_COLOR: "1" } })).startsWith(warning)).toBe(true);
    expect(await text(open)).not.toContain(warning);
    expect(await text([...open, "--allow-ip", "10.0.0.0/8"], { env: { NO_COLOR: "1" } })).not.toContain(warning);
  });

  it("shows products and notes with -v, and has them in its JSON line always", async () => {
    const note = "The event log is deleted when this run ends.";
    expect((await screen(["3000"])).join("\n")).not.toContain(note);
    const verbose = (await screen(["3000", "-v"])).join("\n");
    expect(verbose).toContain(note);
    expect(verbose.replace(/\s+/g, " ")).toContain("Products: crm, desk, books,");
    const listener = await startListener(["3000", "--no-store"], { env });
    expect((await listener.line("ready")).notes).toContain(note);
    await listener.stop();
  });

  it("comes with a notice of deliveries that wait for an app of another run", async () => {
    const cwd = tempFolder();
    const gone = `http://127.0.0.1:${await freePort()}`;
    const listener = await startListener([gone], { cwd });
    await listener.post("/webhooks/zoho/crm", "{}");
    await listener.stop();
    const { err } = await run(["listen", "--port", "0", "--timeout", "1ms"], { cwd });
    expect(err).toContain(`1 delivery waits for ${gone}`);
    expect(err).toContain("add it with --forward-to to send it");
  });

  it("says that there is no app for --respond mirror", async () => {
    expect(await screen(["--respond", "mirror"])).toContain(
      "  forwards to  nothing: --respond mirror needs --forward-to",
    );
    expect(await screen(["3000", "--respond", "mirror"])).toContain(
      "  forwards to  http://localhost:3000/webhooks/zoho/<product> (mirrored)",
    );
  });
});

describe("the summary of listen", () => {
  it("counts bodies without a schema apart from valid ones, as the log's stats do", async () => {
    const cwd = tempFolder();
    const listener = await startListener([], { cwd });
    for (const body of ['{"hello":1}', '{"invoice":null}', '{"invoice":{"invoice_id":"1"}}'])
      await listener.post("/webhooks/zoho/books", body);
    const summary = (await listener.stop()).lines().at(-1);
    expect(summary).toMatchObject({ received: 3, valid: 1, custom: 1, invalid: 1, rejected: 0 });
    expect(summary?.products).toMatchObject({ books: { received: 3, valid: 1, custom: 1 } });
    const [stats] = (await run(["events", "stats", "--json"], { cwd })).lines();
    expect(stats).toMatchObject({ received: 3, custom: 1, products: { books: { custom: 1 } } });
    const { out } = await run(["events", "stats"], { cwd });
    expect(out).toMatch(/^product +received .* custom$/m);
  });

  it("counts what is accepted with a wrong or missing signature apart, so that the columns add up", async () => {
    const listener = await startListener(["--no-store", "--on-invalid", "warn"], {
      env: { ZOHO_WEBHOOK_SECRET: "s3cret" },
    });
    const schemaIssue = '{"event_type":"invoice_created","organization_id":7}';
    await listener.post("/webhooks/zoho/books", schemaIssue);
    const signed = { "content-type": "application/json", "x-zoho-signature": "00" };
    await listener.post("/webhooks/zoho/desk", '{"eventType":"Ticket.Creat"}', signed);
    await listener.post("/webhooks/zoho/crm", "{");
    await listener.post("/webhooks/zoho/survey", '{"challenge":"abc"}');
    const summary = (await listener.stop()).lines().at(-1);
    expect(summary).toMatchObject({ received: 4, valid: 1, invalid: 0, rejected: 1, duplicates: 0 });
    expect(summary).toMatchObject({ wrong_signature: 1, missing_signature: 1 });
    expect(summary?.products).toMatchObject({
      books: { received: 1, valid: 0, missing_signature: 1, rejected: 0 },
      desk: { received: 1, valid: 0, wrong_signature: 1, rejected: 0 },
    });
  });
});
