import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { fixturesFolder } from "../support/fixture-cases.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

async function listen(options: RunOptions = {}): Promise<Listener> {
  listener = await startListener([], options);
  return listener;
}

function projectWith(config: object): string {
  const cwd = tempFolder();
  writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(config));
  return cwd;
}

async function newKeys(): Promise<{ privateKey: string; jwks: string }> {
  const cwd = tempFolder();
  const { exitCode } = await run(["keygen"], { cwd });
  expect(exitCode).toBe(0);
  const folder = join(cwd, ".zoho-hooks", "keys");
  return { privateKey: join(folder, "private.pem"), jwks: join(folder, "jwks.json") };
}

/** Made once: it takes half a second. */
const { privateKey, jwks } = await newKeys();

describe("the set-up probes of Desk", () => {
  it.each([
    ["GET", "/webhooks/zoho/desk", undefined, undefined],
    ["GET", "/webhooks/zoho/desk?team=7", undefined, undefined],
    ["HEAD", "/webhooks/zoho/desk", undefined, undefined],
    ["POST", "/webhooks/zoho/desk", "", undefined],
    ["POST", "/webhooks/zoho/desk", "{}", "application/json"],
    ["POST", "/webhooks/zoho/desk", "{}", "application/x-www-form-urlencoded"],
    ["GET", "/webhooks/zoho", undefined, undefined],
  ])("%s %s with %j as %s is answered 200, also where keys are asked for", async (method, path, body, type) => {
    const app = await listen({ env: { ZOHO_WEBHOOK_JWKS: jwks, ZOHO_WEBHOOK_SECRET: "x" } });
    const answer = await fetch(app.url + path, {
      method,
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { "content-type": type } }),
    });
    expect(answer.status).toBe(200);
    expect(await app.event(1)).toMatchObject({ method, status: 200, event: null });
  });

  it.each([
    ["GET", undefined],
    ["HEAD", undefined],
    ["POST", ""],
    ["POST", "{}"],
  ])("and those of Payments, of which only that there is one is known: %s %j", async (method, body) => {
    const app = await listen({ env: { ZOHO_WEBHOOK_SECRET: "x" } });
    const url = `${app.url}/webhooks/zoho/payments`;
    expect((await fetch(url, { method, ...(body === undefined ? {} : { body }) })).status).toBe(200);
    expect((await app.post("/webhooks/zoho/payments", '{"event_type":"payment.succeeded"}')).status).toBe(401);
  });

  it("are not answered on the URL of a product that sends none", async () => {
    const app = await listen();
    expect((await fetch(`${app.url}/webhooks/zoho/survey`)).status).toBe(405);
    expect((await fetch(`${app.url}/webhooks/zoho?lead=7`)).status).toBe(405);
  });
});

it.each([
  ["sign", "RequestViewed", "20 failures in a row disable the webhook"],
  [
    "payments",
    "refund.failed",
    "two days of failures (it tries again hourly, on the second day every two hours) disable the endpoint",
  ],
])("a refused delivery of %s is told once for what it is to its sender", async (product, event, said) => {
  const env = { ZOHO_WEBHOOK_SECRET: "right" };
  const app = await startHumanListener([], { env });
  const argv = ["send", product, event, "--to", `${app.url}/webhooks/zoho/${product}`];
  expect((await run(argv, { env })).exitCode).toBe(0);
  for (let i = 0; i < 2; i++) expect((await run([...argv, "--bad-signature"], { env })).exitCode).toBe(0);
  await app.shown(/#3 /);
  const { err } = await app.stop();
  expect(err.replaceAll(/\s+/g, " ").split(`its sender counts this as a failure, and ${said}`)).toHaveLength(2);
});

describe("desk --format wire", () => {
  it("is accepted without a key set, and the variable for one is named once", async () => {
    const cwd = projectWith({});
    const app = await startHumanListener([], { cwd });
    const argv = ["send", "desk", "Ticket_Add", "--format", "wire", "--to", `${app.url}/webhooks/zoho/desk`];
    for (let i = 0; i < 2; i++) await run(argv, { cwd, env: { ZOHO_WEBHOOK_PRIVATE_KEY: privateKey } });
    await app.shown(/#2 /);
    const { err } = await app.stop();
    expect(err.match(/^ +desk: no key \(desk-token\): to verify it, set ZOHO_WEBHOOK_JWKS$/gm)).toHaveLength(1);
  });

  it("verifies against its own key set and no other", async () => {
    const cwd = projectWith({ products: { desk: { format: "wire", audience: "webhookId:189200000000321777" } } });
    const app = await listen({ cwd, env: { ZOHO_WEBHOOK_JWKS: jwks } });
    const to = ["--to", `${app.url}/webhooks/zoho/desk`];
    const sent = await run(["send", "desk", "Ticket_Add", ...to], {
      cwd,
      env: { ZOHO_WEBHOOK_PRIVATE_KEY: privateKey },
    });
    expect(sent).toMatchObject({ exitCode: 0 });
    expect(await app.event(1)).toMatchObject({
      format: "wire",
      event: "Ticket_Add",
      status: 200,
      schema: { ok: true },
      signatures: [
        {
          id: "desk-token",
          covers: "sender",
          result: "verified",
          reason: expect.stringContaining("covers the sender, not the body"),
        },
      ],
    });

    const { privateKey: other } = await newKeys();
    const wrong = await run(["send", "desk", "Ticket_Add", ...to], { cwd, env: { ZOHO_WEBHOOK_PRIVATE_KEY: other } });
    expect(wrong.exitCode).toBe(5);
    expect(await app.event(2)).toMatchObject({ status: 401, refusal: expect.stringContaining("which is not in") });

    const unsigned = await run(["send", "desk", "Ticket_Add", ...to], { cwd });
    expect(unsigned.exitCode).toBe(5);
    expect(await app.event(3)).toMatchObject({ status: 401 });
  });

  it("is rejected for another webhook than the configured one", async () => {
    const cwd = projectWith({ products: { desk: { audience: "webhookId:5" } } });
    const app = await listen({ cwd, env: { ZOHO_WEBHOOK_JWKS: jwks } });
    const elsewhere = { cwd: tempFolder(), env: { ZOHO_WEBHOOK_PRIVATE_KEY: privateKey } };
    await run(["send", "desk", "Ticket_Add", "--format", "wire", "--to", `${app.url}/webhooks/zoho/desk`], elsewhere);
    expect(await app.event(1)).toMatchObject({ status: 401, refusal: expect.stringContaining("webhookId:5") });
  });

  it("says once a run that the token does not cover the body", async () => {
    const samples = ["Ticket_Add", "Ticket_Update", "Task_Add"].map((name) =>
      join(fixturesFolder, `desk/wire/${name}.json`),
    );
    const { exitCode, err } = await run(["verify", ...samples]);
    expect(exitCode).toBe(0);
    expect(err.split("not that its body is unchanged")).toHaveLength(2);
  });
});

describe("a custom webhook", () => {
  it("is sent as configured, and shows its sender by the configured header", async () => {
    const auth = { header: "X-Webhook-Secret" };
    const cwd = projectWith({ products: { forms: { format: "wire", encoding: "multipart", auth } } });
    const env = { ZOHO_WEBHOOK_AUTH: "s3cret" };
    const app = await listen({ cwd, env });
    const to = ["--to", `${app.url}/webhooks/zoho/forms`];
    expect((await run(["send", "forms", "form_submitted", ...to], { cwd, env })).exitCode).toBe(0);
    expect(await app.event(1)).toMatchObject({
      format: "wire",
      event: "form_submitted",
      signatures: [{ id: "static-auth", covers: "sender", result: "verified" }],
      headers: expect.arrayContaining([["content-type", expect.stringContaining("multipart/form-data")]]),
    });
    expect((await run(["send", "forms", "form_submitted", "--bad-token", ...to], { cwd, env })).exitCode).toBe(0);
    expect(await app.event(2)).toMatchObject({ status: 401 });
  });

  it("says that nothing of it is signed", async () => {
    const { out } = await run(["send", "people", "webhook", "--dry-run", "--to", "3000"]);
    expect(out).toContain("/webhooks/zoho/people\ncontent-type: application/x-www-form-urlencoded");
    const shown = await run(["products", "people"]);
    expect(shown.out).toContain("no signature");
  });

  it("can be sent as a query", async () => {
    const cwd = projectWith({ products: { crm: { format: "workflow", encoding: "query" } } });
    const app = await listen({ cwd });
    const { exitCode } = await run(["send", "crm", "webhook", "--to", `${app.url}/webhooks/zoho/crm`], { cwd });
    expect(exitCode).toBe(0);
    expect(await app.event(1)).toMatchObject({ method: "GET", status: 200, format: "workflow", event: "webhook" });
  });

  it("has no settings that mean nothing for its product", async () => {
    const { exitCode, err } = await run(["listen"], {
      cwd: projectWith({ products: { books: { encoding: "form" } } }),
    });
    expect(exitCode).toBe(2);
    expect(err).toContain("products.books.encoding");
  });
});

describe("a form of the user's own that a rule of Zoho Books posts", () => {
  const env = { ZOHO_WEBHOOK_SECRET: "s3cret12345678" };
  const webhook = ["send", "books", "webhook", "--format", "wire"];

  it("is known by its signature, and refused with a wrong one and without", async () => {
    const app = await listen({ env });
    const to = ["--to", `${app.url}/webhooks/zoho/books`];
    expect(await run([...webhook, ...to], { env })).toMatchObject({ exitCode: 0 });
    expect(await app.event(1)).toMatchObject({ format: "wire", event: "webhook", known: true, status: 200 });
    for (const wrong of ["--bad-signature", "--no-signature"]) {
      expect((await run([...webhook, ...to, wrong], { env })).exitCode).toBe(0);
    }
    expect(await app.event(3)).toMatchObject({ status: 401 });
  });

  it("is the guide's where its signature is, and another product's where its envelope is", async () => {
    const app = await listen({ env });
    const body = '{"lunch":"soup"}';
    const signature = createHmac("sha256", env.ZOHO_WEBHOOK_SECRET).update(body).digest("hex");
    const signed = { "content-type": "application/json", "x-zoho-signature": signature };
    expect((await app.post("/webhooks/zoho/books", body, signed)).status).toBe(200);
    const ticket = readFileSync(join(fixturesFolder, "desk/wire/Ticket_Add.json"), "utf8");
    for (const product of ["expense", "mail"]) {
      expect((await app.post(`/webhooks/zoho/${product}`, ticket)).status).not.toBe(500);
    }
    expect((await app.event(2)).hint).toContain("this looks like desk Ticket_Add");
    expect(await app.event(3)).toMatchObject({ event: null, hint: expect.stringContaining("desk Ticket_Add") });
  });

  it("is known by a fixed header, where the config says so", async () => {
    const cwd = projectWith({ products: { books: { format: "wire", auth: { header: "x-zoho-webhook-token" } } } });
    const unset = await listen({ cwd, env });
    expect(JSON.stringify((await unset.line("ready")).notes)).toContain("Deliveries of books are not checked");
    await unset.stop();
    const auth = { ZOHO_WEBHOOK_AUTH: "one-long-value" };
    const app = await listen({ cwd, env: auth });
    const to = ["--to", `${app.url}/webhooks/zoho/books`];
    expect(await run([...webhook, ...to], { cwd, env: auth })).toMatchObject({ exitCode: 0 });
    const signatures = [{ id: "static-auth", result: "verified" }];
    expect(await app.event(1)).toMatchObject({ format: "wire", status: 200, signatures });
    expect((await app.post("/webhooks/zoho/books", '{"invoice":{"invoice_id":"1"}}')).status).toBe(401);
  });
});

describe("a fixed header", () => {
  it("takes the place of Webinar's signature, where the config says so", async () => {
    const secret = { ZOHO_WEBHOOK_SECRET_WEBINAR: "a-token", ZOHO_WEBHOOK_AUTH: "one-long-value" };
    const send = (cwd: string, to: string) => run(["send", "webinar", "webhook", "--to", to], { cwd, env: secret });
    for (const [config, proof] of [
      [{}, "webinar-signature"],
      [{ products: { webinar: { auth: { header: "X-Key" } } } }, "static-auth"],
    ] as const) {
      const cwd = projectWith(config);
      const app = await listen({ cwd, env: secret });
      expect(await send(cwd, `${app.url}/webhooks/zoho/webinar`)).toMatchObject({ exitCode: 0 });
      expect(await app.event(1)).toMatchObject({ event: "webhook", signatures: [{ id: proof, result: "verified" }] });
      expect((await app.post("/webhooks/zoho/webinar", '{"webinarId":"1"}')).status).toBe(401);
      await app.stop();
    }
  });
});

describe("send without --to", () => {
  it("goes to the project's running listen on any port, and says so", async () => {
    const cwd = projectWith({ port: 1 });
    const app = await listen({ cwd });
    const { exitCode, out, err } = await run(["send", "crm", "Leads.create"], { cwd });
    expect([exitCode, err]).toEqual([
      0,
      expect.stringContaining(`sending to this project's running listen: ${app.url}`),
    ]);
    expect(out).toContain(`${app.url}/webhooks/zoho/crm`);
    expect(await app.event(1)).toMatchObject({ event: "Leads.create", status: 200 });
    const dry = await run(["send", "crm", "Leads.create", "--to", "/mine", "--dry-run"], { cwd });
    expect(dry.out).toContain(`${new URL(app.url).host}`);
    const nowhere = await run(["send", "crm", "Leads.create"], { cwd: projectWith({ port: 1 }) });
    expect(nowhere.exitCode).toBe(5);
  });
});
