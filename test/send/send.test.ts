import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventNames } from "../../src/model/event-names.ts";
import { products } from "../../src/products/index.ts";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { closeAfterEach, env, hmac, SECRET, send, TOKEN, target } from "../support/send.ts";
import { freePort, type Target, valuesOf } from "../support/target.ts";

closeAfterEach();

function bodyOf(app: Target, i = 0): Record<string, unknown> {
  return JSON.parse(app.seen[i]?.body.toString() ?? "null");
}

describe("send", () => {
  it("posts one event, signed over its bytes, with the token in it", async () => {
    const app = await target();
    const { exitCode, out } = await send("crm leads.CREATE --format guide --to PORT", app);
    expect(exitCode).toBe(0);
    const [seen] = app.seen;
    expect(seen).toMatchObject({ method: "POST", path: "/webhooks/zoho/crm" });
    expect(seen && valuesOf(seen, "content-type")).toEqual(["application/json"]);
    expect(seen && valuesOf(seen, "x-zoho-signature")).toEqual([hmac(seen?.body)]);
    expect(bodyOf(app)).toMatchObject({ module: "Leads", operation: "create", token: TOKEN });
    expect(seen?.body.toString()).toBe(JSON.stringify(bodyOf(app)));
    expect(out).toMatch(/✓ 200 crm\s+Leads\.create/);
    expect(out).toContain("signed with ZOHO_WEBHOOK_SECRET");
    expect(out).toContain("answer: OK");
    expect(out).not.toContain(SECRET);
    expect(out).not.toContain(TOKEN);
  });

  it("reports a delivery as one line of JSON", async () => {
    const app = await target();
    const result = await send("books invoice_created --to PORT --json", app);
    expect(result.lines()).toEqual([
      {
        v: 1,
        type: "sent",
        product: "books",
        event: "invoice_created",
        format: "guide",
        url: `http://localhost:${app.port}/webhooks/zoho/books`,
        status: 200,
        latency_ms: expect.any(Number),
        error: null,
        hint: null,
        reply: "OK",
        notes: ["signed with ZOHO_WEBHOOK_SECRET", "only the guide has this event (products books lists Zoho's own)"],
      },
    ]);
    expect(result.err).toBe("");
  });

  it("masks the token in an answer that repeats what was sent", async () => {
    const app = await target((response, { body }) => void response.writeHead(500).end(body));
    for (const flags of ["", " --json"]) {
      const { out } = await send(`crm Leads.create --to PORT${flags}`, app);
      expect(out).toContain("[masked]");
      expect(out).not.toContain(TOKEN);
    }
  });

  it("sends unsigned without a secret, and notes it", async () => {
    const app = await target();
    const { exitCode, out } = await send("desk Ticket.Create --to PORT", app, { env: {} });
    expect(exitCode).toBe(0);
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual([]);
    expect(out).toContain("not signed: no secret is configured (ZOHO_WEBHOOK_SECRET)");
  });

  it("explains a refusal by the missing signature", async () => {
    const app = await target((response) => {
      response.writeHead(401).end();
    });
    const { exitCode, out } = await send("desk Ticket_Add --format wire --to PORT", app, { env: {} });
    expect(exitCode).toBe(5);
    expect(out).toContain("your app requires a signature, and it was sent without one");
    expect(out.match(/not signed: no private key is configured \(ZOHO_WEBHOOK_PRIVATE_KEY/g)).toHaveLength(1);
    const cwd = tempFolder();
    await run(["keygen"], { cwd });
    const signed = await send("desk Ticket_Add --to PORT", app, {
      cwd,
      env: { ZOHO_WEBHOOK_PRIVATE_KEY: ".zoho-hooks/keys/private.pem" },
    });
    expect(signed.out).toContain(
      `with the sample's audience: "products": { "desk": { "audience": … } } in the config sets yours`,
    );
  });

  it("names the secret that Mail signs with, and shows no configured one", async () => {
    const env = { ZOHO_WEBHOOK_SECRET: "hush-secret", ZOHO_WEBHOOK_TOKEN: "hush-token" };
    const mail = await run(["send", "mail", "message", "--to", "1"], { env });
    expect(mail.out).toContain("ZOHO_WEBHOOK_HOOK_SECRET");
    const crm = await run(["send", "crm", "Leads.create", "--to", "1", "-v"], { env });
    expect(crm.out).toContain('"token":"[masked]"');
    expect(crm.out + crm.err).not.toContain("hush");
  });

  it("reads secret and token from files", async () => {
    const app = await target();
    const cwd = tempFolder();
    // As an editor on Windows writes it.
    writeFileSync(join(cwd, "secret"), "\ufeffof the file\r\n");
    writeFileSync(join(cwd, "token"), "its token");
    const files = { ZOHO_WEBHOOK_SECRET_FILE: "secret", ZOHO_WEBHOOK_TOKEN_CRM_FILE: "token" };
    await send("crm Deals.edit --format guide --to PORT", app, { cwd, env: files });
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual([hmac(app.seen[0]?.body, "of the file")]);
    expect(bodyOf(app).token).toBe("its token");
  });

  it("goes to the address of the receiver in the settings by default", async () => {
    const app = await target();
    const { exitCode } = await run(["send", "forms", "form_submitted"], {
      env: { ...env, ZOHO_HOOKS_PORT: String(app.port), ZOHO_HOOKS_HOST: "0.0.0.0" },
    });
    expect(exitCode).toBe(0);
    expect(app.seen.map(({ path }) => path)).toEqual(["/healthz", "/webhooks/zoho/forms"]);
  });

  it.each([
    ["another folder's listen", tempFolder(), true],
    ["this folder's listen", undefined, false],
  ])("says whose receiver it is: %s", async (_, folder, isOther) => {
    const cwd = tempFolder();
    const other = await startListener(["--no-store"], {
      cwd: folder ?? cwd,
      env: { ZOHO_WEBHOOK_TOKEN: "of-that-folder" },
    });
    onTestFinished(async () => void (await other.stop()));
    const { host, port } = new URL(other.url);
    const at = { cwd, env: { ...env, ZOHO_HOOKS_PORT: port } };
    for (const target of [[], ["--to", "/webhooks/zoho/crm"]]) {
      const { exitCode, out, err } = await run(["send", "crm", "Leads.create", ...target], at);
      expect(exitCode).toBe(5);
      const warning = `warning: http://${host} is the listen of another folder, ${realpathSync(folder ?? cwd)}\n`;
      expect(err.includes(warning)).toBe(isOther);
      expect(err.includes("start zoho-hooks listen in this one")).toBe(isOther);
      expect(out.includes("which has the secrets of that folder")).toBe(isOther);
      expect(out.includes("often it uses a different secret")).toBe(!isOther);
    }
    const named = await run(["send", "crm", "Leads.create", "--to", port], at);
    expect(named.err).not.toContain("another folder");
  });

  it("names the command that starts the receiver when it is not running", async () => {
    const port = String(await freePort());
    const { exitCode, out } = await run(["send", "crm", "Leads.create"], { env: { ...env, ZOHO_HOOKS_PORT: port } });
    expect(exitCode).toBe(5);
    expect(out).toContain(`nothing listens on 127.0.0.1:${port}`);
    expect(out).toContain("zoho-hooks listen");
  });

  it("uses a full URL exactly as it is given", async () => {
    const app = await target();
    await send("crm Leads.create --to http://127.0.0.1:PORT/a/?b=%2F", app);
    expect(app.seen[0]?.path).toBe("/a/?b=%2F");
  });

  it("prefers the project's own sample", async () => {
    const app = await target();
    const cwd = tempFolder();
    const folder = join(cwd, ".zoho-hooks", "fixtures", "survey", "wire");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "response_submitted.json"), '{"event":"response_submitted","mine":true}');
    await send("survey response_submitted --to PORT", app, { cwd });
    expect(bodyOf(app)).toEqual({ event: "response_submitted", mine: true });
  });

  it("has the headers that Zoho Commerce sends", async () => {
    const app = await target();
    await send("commerce salesorder.delivered --to PORT", app);
    const [seen] = app.seen;
    const names = ["x-zoho-event", "x-zoho-skip-webhook-trigger", "accept", "cache-control"];
    expect(names.map((name) => seen && valuesOf(seen, name))).toEqual([
      ["salesorder.delivered"],
      ["true"],
      ["text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"],
      ["no-cache"],
    ]);
  });

  it("adds headers, repeats included, in place of its own of the same name", async () => {
    const app = await target();
    const line = ["send", "crm", "Leads.create", "--to", `${app.port}`];
    await run([...line, "-H", "X-A: 1", "-H", "x-a:2", "-H", "User-Agent: mine"], { env });
    const [seen] = app.seen;
    expect(seen && valuesOf(seen, "x-a")).toEqual(["1", "2"]);
    expect(seen && valuesOf(seen, "user-agent")).toEqual(["mine"]);
  });
});

describe("send of a body", () => {
  it("notes a signature given with -H, and adds none", async () => {
    const app = await target();
    const argv = [
      "send",
      "crm",
      "Leads.create",
      "--format",
      "guide",
      "--to",
      String(app.port),
      "-H",
      "X-Zoho-Signature: 00",
    ];
    const { out } = await run(argv, { env });
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual(["00"]);
    expect(out).toContain("\n  x-zoho-signature from -H\n");
    expect(out).not.toContain("signed with");
    const faulty = await run([...argv, "--no-signature"], { env });
    expect([faulty.out, faulty.err]).toEqual([
      expect.stringContaining("not signed, as asked"),
      expect.not.stringContaining("changed nothing"),
    ]);
  });

  it("makes ids new and the same throughout, and the time now", async () => {
    const app = await target();
    const now = () => new Date("2031-02-03T04:05:06Z");
    await send("crm Leads.create --format guide --to PORT --count 2", app, { now });
    const [first, second] = [bodyOf(app, 0), bodyOf(app, 1)];
    expect(first.ids).not.toEqual(second.ids);
    for (const body of [first, second]) {
      const [id] = body.ids as string[];
      expect(body.resource_uri).toMatch(new RegExp(`/Leads/${id}$`));
      expect(body.data).toMatchObject({ id, Created_Time: "2031-02-03T04:05:06+00:00" });
    }
  });

  it("writes a numeric id with all its digits, although JSON.parse loses some", async () => {
    const app = await target();
    await send("payments payment.succeeded --to PORT", app);
    await send("payments payment.succeeded --to PORT --no-fresh --set event_object.payment.status=failed", app);
    const [fresh = "", own = ""] = app.seen.map(({ body }) => body.toString());
    const [, id = ""] = /^\{"event_id":(\d{16}),"event_type":"payment.succeeded"/.exec(fresh) ?? [];
    expect(id).toMatch(/^99730000\d{7}[13579]$/);
    expect(String(JSON.parse(fresh).event_id)).not.toBe(id);
    expect(own).toMatch(/^\{"event_id":9973000000138073,.*"status":"failed"/);
  });

  it("has another number and the same customer each time, and the same ones throughout", async () => {
    const app = await target();
    await send("books payment --format wire --to PORT --count 2", app);
    const payments = app.seen.map(({ body }) => JSON.parse(body.toString()).payment);
    expect(new Set(payments.map((each) => each.payment_id)).size).toBe(2);
    expect(payments.map((each) => each.customer_id)).toEqual(["46000000001713801", "46000000001713801"]);
    await send("books contact --format wire --to PORT", app);
    expect(JSON.parse(app.seen[2]?.body.toString() ?? "").contact.contact_id).not.toBe("46000000001713801");
    for (const each of payments) expect(each.invoices[0].invoice_number).toMatch(/^INV-(?!000042)\d{6}$/);
  });

  it("is the sample's own with --no-fresh", async () => {
    const app = await target();
    await send("books bill_created --to PORT --no-fresh --count 2", app);
    expect(app.seen[0]?.body.equals(app.seen[1]?.body ?? Buffer.alloc(0))).toBe(true);
    expect(JSON.stringify(bodyOf(app))).toContain("2025-01-15");
  });

  it("is the same each time with a seed, and another with another seed", async () => {
    const app = await target();
    for (const [i, seed] of [7, 7, 8].entries()) {
      const now = () => new Date(Date.UTC(2031, i));
      await send(`crm Leads.create --to PORT --count 3 --seed ${seed}`, app, { now });
    }
    const bodies = app.seen.map((seen) => seen.body.toString());
    expect(bodies.slice(0, 3)).toEqual(bodies.slice(3, 6));
    expect(bodies.slice(6, 9)).not.toEqual(bodies.slice(0, 3));
    expect(new Set(bodies.slice(0, 3)).size).toBe(3);
  });

  it("has the typed value of --set, and is signed with it", async () => {
    const app = await target();
    const sets = "--set data.Email=me@example.com --set ids[0]=4150868000000002179 --set data.Lead_Status=null";
    await send(`crm Leads.create --format guide --to PORT ${sets} --set data.New=[1,true]`, app);
    expect(bodyOf(app)).toMatchObject({
      ids: ["4150868000000002179"],
      data: { Email: "me@example.com", Lead_Status: null, New: [1, true] },
    });
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual([hmac(app.seen[0]?.body)]);
  });

  it("has the token of --set instead of the configured one", async () => {
    const app = await target();
    const { out } = await send("crm Leads.create --format guide --to PORT --set token=mine", app);
    expect(bodyOf(app).token).toBe("mine");
    expect(out).toContain("the token as set with --set");
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual([hmac(app.seen[0]?.body)]);
  });

  it("warns of a member that --set adds, once", async () => {
    const app = await target();
    const sets = "--set data.Email=me@example.com --set ids[0]=4150868000000002179 --set token=mine";
    const { err } = await send(`crm Leads.create --count 2 --to PORT ${sets}`, app);
    expect(err.match(/added .*/g)).toEqual(["added data.Email: the body had none"]);
  });

  it("rejects a path through a text, before anything is sent", async () => {
    const app = await target();
    const { exitCode, err } = await send("crm Leads.create --format guide --to PORT --set data.Email.x=1", app);
    expect(exitCode).toBe(2);
    expect(err).toContain('--set data.Email.x: there is no "x"');
    const all = await send("books --all --format guide --to PORT --set event.x=1", app);
    expect(all.exitCode).toBe(2);
    expect(all.err).toContain("books invoice_created: --set event.x");
    expect(app.seen).toHaveLength(0);
  });
});

describe("send --all", () => {
  it("sends every event of a product, a line each, and one exit code", async () => {
    const app = await target();
    const { exitCode, out, err } = await send("desk --all --format guide --to http://127.0.0.1:PORT/in/:product", app);
    expect(exitCode).toBe(0);
    const events = app.seen.map((seen) => JSON.parse(seen.body.toString()).event);
    const guide = products.find((each) => each.id === "desk")?.formats.find((each) => each.id === "guide");
    expect(events).toEqual(guide && eventNames(guide));
    expect(new Set(app.seen.map((seen) => seen.path))).toEqual(new Set(["/in/desk"]));
    const lines = out.split("\n").filter((line) => line.startsWith("✓"));
    expect(lines).toHaveLength(events.length);
    expect(new Set(lines.map((line) => line.indexOf("http://"))).size).toBe(1);
    expect(out).toContain(`${events.length} sent`);
    expect(err).toContain("signed with ZOHO_WEBHOOK_SECRET");
  });

  it("fails as a whole when one is refused, and reports which and why", async () => {
    const app = await target((response, { body }) => {
      response.statusCode = body.includes("Ticket.Close") ? 500 : 200;
      response.end("hm");
    });
    const { exitCode, out } = await send("desk --all --format guide --to PORT", app);
    expect(exitCode).toBe(5);
    expect(out).toMatch(/✗ 500 desk\s+Ticket\.Close/);
    expect(out).toContain("your app failed while handling it");
    expect(out).toMatch(/7 sent .* 6 ok, 1 failed/);
  });

  it("explains an unreachable target once", async () => {
    const { exitCode, out } = await run(
      ["send", "books", "--all", "--format", "guide", "--to", String(await freePort())],
      { env },
    );
    expect(exitCode).toBe(5);
    expect(out.match(/is your app running/g)).toHaveLength(1);
    expect(out).toContain("ECONNREFUSED × 11");
  });

  it("sends what Zoho posts of every product, whichever the config names; with --format guide only the guide's", async () => {
    const cwd = folderWith({ "zoho-hooks.config.json": '{"products": {"forms": {}, "sign": {}}}' });
    const all = await run(["send", "--all", "--dry-run", "--json"], { cwd });
    expect(new Set(all.lines().map(({ product, format }) => `${product} ${format}`))).toEqual(
      new Set(products.map(({ id }) => `${id} wire`)),
    );
    const guide = await run(["send", "--all", "--format", "guide", "--dry-run", "--json"], { cwd });
    const withGuide = products.filter(({ formats }) => formats.some(({ id }) => id === "guide"));
    expect(new Set(guide.lines().map(({ product, format }) => `${product} ${format}`))).toEqual(
      new Set(withGuide.map(({ id }) => `${id} guide`)),
    );
  });
});

describe("the format that send chooses", () => {
  it.each(["crm", "desk", "books", "mail"])("is wire for %s, with modelled on its line where it is", async (id) => {
    const app = await target();
    const wire = products.find((each) => each.id === id)?.formats.find((each) => each.id === "wire");
    const [event] = wire === undefined ? [] : eventNames(wire);
    const { out } = await send(`${id} ${event} --to PORT`, app);
    const [shown = ""] = out.split("\n");
    expect(shown).toMatch(/ wire /);
    expect(shown.endsWith("  modelled"), out).toBe(wire?.evidence === "modelled");
  });

  it.each([
    ["crm Leads.create", "wire", "to send the Webhooks Guide's body instead: --format guide"],
    ["crm Leads.create --format guide", "guide", "to send Zoho's own body instead: --format wire"],
    ["desk Ticket.Create", "guide", "only the guide has this event .products desk lists Zoho's own."],
    ["crm Leads.convert", "guide", "only the guide has this event"],
    ["books invoice_created", "guide", "only the guide has this event"],
  ])("is named for %s, with how to get the other", async (subject, format, note) => {
    const app = await target();
    const { out } = await send(`${subject} --to PORT`, app);
    expect(out).toMatch(new RegExp(`^✓ 200 .* ${format} [^]*\\n  ${note}`));
  });

  it("is that of the settings, and an event that only another has is that one's", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products": {"crm": {"format": "guide"}, "desk": {"format": "guide"}}}',
    });
    const formats = async (...argv: readonly string[]) =>
      (await run(["send", ...argv, "--dry-run", "--json"], { cwd, env })).lines().map(({ format }) => format);
    expect(await formats("crm", "Leads.create")).toEqual(["guide"]);
    expect(await formats("desk", "Ticket_Add")).toEqual(["wire"]);
    expect(await formats("crm", "Leads.create", "--format", "wire")).toEqual(["wire"]);
    const { exitCode, err } = await run(["send", "desk", "Ticket_Add", "--format", "guide"], { cwd, env });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("or add --format wire")]);
  });
});
