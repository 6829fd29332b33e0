import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { projectWithZod } from "../support/own-product.ts";
import { run } from "../support/run.ts";
import { schemaIssues } from "../support/schema-issues.ts";

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("a JSON Schema", () => {
  it.each<[string, unknown, unknown, readonly string[]]>([
    [
      "with a reference to itself",
      { properties: { next: { $ref: "#" }, n: { type: "number" } } },
      { next: { next: { n: "x" } } },
      ['next.next.n: what its schema allows (Instance type "string" is invalid. Expected "number"), "x"'],
    ],
    [
      "with definitions of an older draft",
      {
        $schema: "http://json-schema.org/draft-07/schema#",
        definitions: { n: { type: "number" } },
        properties: { n: { $ref: "#/definitions/n" } },
      },
      { n: "x" },
      ['n: what its schema allows (Instance type "string" is invalid. Expected "number"), "x"'],
    ],
    [
      "that a number too long for JavaScript meets as its digits",
      { properties: { id: { type: "integer" }, or: { type: ["integer", "null"] } } },
      { id: "4150868000000002179", or: "4150868000000002179" },
      [],
    ],
    [
      "that short digits in quotes do not meet",
      { properties: { id: { type: "integer" } } },
      { id: "415" },
      ['id: what its schema allows (Instance type "string" is invalid. Expected "integer"), "415"'],
    ],
  ])("%s", async (_, schema, body, expected) => {
    expect(await schemaIssues(schema, body)).toEqual(expected);
  });

  it.each([
    ["form", "application/x-www-form-urlencoded", "count=3&sent=true"],
    [
      "multipart",
      "multipart/form-data; boundary=b",
      ["count", "sent"]
        .map(
          (name) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${name === "count" ? 3 : true}\r\n`,
        )
        .concat("--b--\r\n")
        .join(""),
    ],
  ])("says string of a value of a %s, never number or boolean", async (encoding, contentType, body) => {
    const refusedAs = async (count: object, sent: object) => {
      const cwd = folderWith({
        "zoho-hooks.config.json": JSON.stringify({
          products: { forms: { format: "wire", encoding, schema: "form.json" } },
        }),
        "form.json": JSON.stringify({ properties: { count, sent } }),
      });
      const own = await startListener(["--schema", "enforce"], { cwd });
      await own.post("/webhooks/zoho/forms", body, { "content-type": contentType });
      const { schema } = await own.event(1);
      await own.stop();
      return (schema as { issues: { path: string; received: string }[] }).issues.map(
        ({ path, received }) => `${path}: ${received}`,
      );
    };
    expect(await refusedAs({ type: "number" }, { type: "boolean" })).toEqual(['count: "3"', 'sent: "true"']);
    expect(await refusedAs({ type: "string", pattern: "^[0-9]+$" }, { type: "string" })).toEqual([]);
  });

  it("accepts the fields of a form, which are text", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"forms":{"format":"wire","encoding":"form","schema":"form.json"}}}',
      "form.json": '{"required":["email"],"properties":{"email":{"type":"string","format":"email"}}}',
    });
    listener = await startListener(["--schema", "enforce"], { cwd });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await listener.post("/webhooks/zoho/forms", "email=a%40example.com", form)).status).toBe(200);
    expect((await listener.post("/webhooks/zoho/forms", "name=a", form)).status).toBe(422);
    expect(await listener.event(2)).toMatchObject({
      event: "form_submitted",
      schema: { ok: false, issues: [{ path: "", expected: expect.stringContaining('property "email"') }] },
    });
  });

  it("reports fields that it does not name as drift, and gives types to the others", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"flow":{"schema":"s.json"}}}',
      "s.json": '{"required":["n"],"properties":{"n":{"type":"number"}}}',
    });
    listener = await startListener([], { cwd });
    await listener.post("/webhooks/zoho/flow", '{"n":1,"more":true}');
    const drift = await run(["events", "drift", "--json"], { cwd });
    expect(drift.lines()[0]).toMatchObject({ event: "webhook", unknown: [{ path: "more" }] });
    expect((await run(["types", "flow"], { cwd })).out).toContain("n: number;");
  });
});

describe("a workflow body has the schema in the settings:", () => {
  const wire = ["campaigns", "forms", "survey", "creator", "projects", "people", "sprints", "flow", "analytics"];
  it.each<[string, string]>([
    ...wire.map((id): [string, string] => [id, "wire"]),
    ["crm", "workflow"],
    ["recruit", "workflow"],
  ])("%s, as %s", async (id, format) => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { [id]: { format, schema: "schemas/own.json" } } }),
      "schemas/own.json": '{"properties":{"lead":{"required":["n"],"properties":{"n":{"type":"number"}}}}}',
    });
    listener = await startListener([], { cwd });
    await listener.post(`/webhooks/zoho/${id}`, '{"lead":{"n":"x"}}');
    await listener.post(`/webhooks/zoho/${id}`, '{"event":"record_added","lead":{"n":1}}');
    expect(await listener.event(1)).toMatchObject({
      product: id,
      format,
      known: true,
      schema: {
        ok: false,
        issues: [{ path: "lead.n", expected: expect.stringContaining('"number"'), received: '"x"' }],
      },
    });
    expect(await listener.event(2)).toMatchObject({ schema: { ok: true }, nearest: null });
  });
});

const STOPPED = {
  path: "",
  expected: "a value that its schema can check",
  received: expect.stringMatching(/^an error of the schema: it was stopped after 250 ms: simplify its slow pattern/),
};

describe("a pattern that takes hours", () => {
  const body = JSON.stringify({ code: `${"a".repeat(40)}!` });
  const signed = (key: string) => ({
    "content-type": "application/json",
    "x-shop-signature": createHmac("sha256", key).update(body).digest("hex"),
  });
  const project = (): string =>
    folderWith({
      "zoho-hooks.config.json": '{"products":{"shop":{"path":"shop"}}}',
      "shop/product.json": '{"signature":{"header":"x-shop-signature"}}',
      "shop/schemas/paid.json": '{"properties":{"code":{"pattern":"^(a+)+$"}}}',
      "body.json": body,
    });
  const env = { ZOHO_WEBHOOK_SECRET: "s3cret" };

  it("is stopped in verify, also for a body without its signature", async () => {
    const { out, exitCode } = await run(["verify", "body.json", "--product", "shop", "--json"], {
      cwd: project(),
      env,
    });
    expect(exitCode).toBe(4);
    expect(JSON.parse(out.split("\n")[0] ?? "")).toMatchObject({ schema: { issues: [STOPPED] } });
  });

  it("is not run for a wrong signature or address, which is what the delivery is refused for", async () => {
    const answers: [string[], string, number][] = [
      [[], "wrong", 401],
      [["--on-invalid", "warn"], "wrong", 200],
      [["--allow-ip", "203.0.113.7"], "s3cret", 403],
    ];
    for (const [flags, key, expected] of answers) {
      listener = await startListener(flags, { cwd: project(), env });
      expect((await listener.post("/webhooks/zoho/shop", body, signed(key))).status).toBe(expected);
      expect(await listener.event(1)).toMatchObject({ event: "paid", schema: null });
      await listener.stop();
    }
  });

  it("is stopped where the schema alone decides what is accepted", async () => {
    listener = await startListener(["--on-invalid", "warn", "--schema", "enforce"], { cwd: project(), env });
    expect((await listener.post("/webhooks/zoho/shop", body, signed("wrong"))).status).toBe(422);
    expect(await listener.event(1)).toMatchObject({ schema: { issues: [STOPPED] } });
  });
});

describe("a user-defined zod schema", () => {
  const IMPORT = 'import { z } from "zod";\n';

  it("is loaded from a module, for a workflow body", async () => {
    const cwd = projectWithZod({
      "zoho-hooks.config.json": '{"products":{"creator":{"format":"wire","schema":"schemas/creator.mjs"}}}',
      "schemas/creator.mjs": `${IMPORT}export default z.looseObject({ record: z.object({ id: z.string().min(3) }) });`,
      "body.json": '{"record":\n {"id":"1"}}',
    });
    const { exitCode, out } = await run(["verify", "body.json", "--product", "creator", "--format", "wire"], { cwd });
    expect(exitCode).toBe(4);
    expect(out).toContain('body.json:2:8  record.id: expected at least 3 characters, got "1"');
    const types = await run(["types", "creator"], { cwd });
    expect([types.out, types.err]).toEqual([expect.stringContaining("record: {"), ""]);
  });

  it("may be one of a map by event, in a user-defined product", async () => {
    const cwd = projectWithZod({
      "zoho-hooks.config.json": '{"products":{"shop":{"path":"shop"}}}',
      "shop/product.json": '{"event":{"header":"x-event"}}',
      "shop/fixtures/paid.json": '{"total":1}',
      "shop/schemas.mjs": `${IMPORT}export default { paid: z.object({ total: z.number() }), lost: z.object({}) };`,
    });
    listener = await startListener(["--schema", "enforce"], { cwd });
    expect((await run(["send", "shop", "paid", "--to", `${listener.url}/webhooks/zoho/shop`], { cwd })).exitCode).toBe(
      0,
    );
    const wrong = ["send", "shop", "paid", "--set", "total=x", "--to", `${listener.url}/webhooks/zoho/shop`];
    expect((await run(wrong, { cwd })).exitCode).toBe(5);
    expect(await listener.event(2)).toMatchObject({ event: "paid", schema: { issues: [{ path: "total" }] } });
    expect((await run(["products", "shop"], { cwd })).out).toContain("lost");
  });

  it("that throws is an issue of the delivery, and does not stop listen", async () => {
    const cwd = projectWithZod({
      "zoho-hooks.config.json": '{"products":{"flow":{"schema":"flow.mjs"}}}',
      "flow.mjs": `${IMPORT}export default z.looseObject({}).refine((value) => value.a.b);`,
    });
    listener = await startListener([], { cwd });
    expect((await listener.post("/webhooks/zoho/flow", '{"c":1}')).status).toBe(200);
    const [issue] = Object((await listener.event(1)).schema).issues as { path: string; received: string }[];
    expect(issue?.received).toContain("an error of the schema: ");
    expect((await listener.post("/webhooks/zoho/flow", '{"a":{"b":1}}')).status).toBe(200);
    expect(await listener.event(2)).toMatchObject({ schema: { ok: true } });
  });

  it("that loops is stopped, and the next delivery is checked", async () => {
    const code =
      "export default { paid: z.looseObject({}).refine((value) => { while (value.loop) {} return true; }) };";
    const cwd = projectWithZod({
      "zoho-hooks.config.json": '{"products":{"shop":{"path":"shop"}}}',
      "shop/schemas.mjs": `${IMPORT}${code}`,
    });
    listener = await startListener([], { cwd });
    expect((await listener.post("/webhooks/zoho/shop", '{"loop":true}')).status).toBe(200);
    expect(await listener.event(1)).toMatchObject({ schema: { issues: [STOPPED] } });
    expect((await listener.post("/webhooks/zoho/shop", '{"loop":false}')).status).toBe(200);
    expect(await listener.event(2)).toMatchObject({ schema: { ok: true } });
  });

  it("is not loaded for completion", async () => {
    const cwd = projectWithZod({
      "zoho-hooks.config.json": '{"products":{"shop":{"path":"shop"}}}',
      "shop/schemas/paid.mjs": "",
    });
    const trace = join(cwd, "trace");
    const module = `import { writeFileSync } from "node:fs";\n${IMPORT}writeFileSync(${JSON.stringify(trace)}, "run");\nexport default z.any();`;
    writeFileSync(join(cwd, "shop/schemas/paid.mjs"), module);
    const { out } = await run(["completion", "words", "--", "send", "shop", ""], { cwd });
    expect(out).toContain("paid");
    const { existsSync } = await import("node:fs");
    expect(existsSync(trace)).toBe(false);
    await run(["products", "shop"], { cwd });
    expect(existsSync(trace)).toBe(true);
  });
});

describe("a broken schema", () => {
  const files = {
    "zoho-hooks.config.json": JSON.stringify({
      products: { forms: { schema: "forms.json" }, shop: { path: "shop" } },
    }),
    "forms.json": '{"type":',
    "shop/fixtures/order.created.json": '{"id":"1"}',
    "shop/schemas/order.created.mjs": "export default",
  };
  const broken = [2, expect.stringMatching(/forms\.json:1:\d+: not valid JSON|order\.created\.mjs cannot be loaded/)];

  it.each([
    ["send", "crm", "Leads.create", "--dry-run", "--to", "1"],
    ["send", "crm.Leads.create", "--dry-run", "--to", "1"],
    ["products", "crm"],
    ["fixtures", "show", "crm", "Leads.create"],
    ["fixtures", "list", "crm"],
    ["types", "crm"],
    ["verify", "--product", "crm", "lead.json"],
  ])("of another product does not stop %s %s %s", async (...argv) => {
    const lead = (await run(["fixtures", "show", "crm", "Leads.create"])).out;
    const { exitCode, err } = await run(argv, { cwd: folderWith({ ...files, "lead.json": lead }) });
    expect([exitCode, err]).toEqual([0, expect.not.stringContaining("error")]);
  });

  it.each([
    ["send", "forms", "form_submitted", "--dry-run", "--to", "1"],
    ["send", "shop", "order.created", "--dry-run", "--to", "1"],
    ["verify", "--product", "Forms", "shop/fixtures/order.created.json"],
    ["verify", "shop/fixtures/order.created.json"],
    ["listen", "--port", "0"],
  ])("stops what needs it: %s %s %s", async (...argv) => {
    const { exitCode, err } = await run(argv, { cwd: folderWith(files) });
    expect([exitCode, err]).toEqual(broken);
  });
});
