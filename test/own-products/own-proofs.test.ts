import { createHmac } from "node:crypto";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { openssl } from "../support/openssl.ts";
import { run } from "../support/run.ts";

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

/** A product `own` with these events, described so, and beside it what else the config says of it. */
function project(
  about: object | undefined,
  events: readonly string[] = ["a.made", "a.lost"],
  more: object = {},
): string {
  return folderWith({
    "zoho-hooks.config.json": JSON.stringify({ products: { own: { path: "own", ...more } } }),
    ...(about === undefined ? {} : { "own/product.json": JSON.stringify(about) }),
    ...Object.fromEntries(events.map((name) => [`own/fixtures/${name}.json`, '{"id":"4150868000000002179","n":"1"}'])),
    "body.json": '{ "n" : "2" }',
  });
}

async function sendOwn(
  cwd: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  listener ??= await startListener([], { cwd, env });
  const before = listener.lines().filter(({ type }) => type === "event").length;
  await run(["send", "own", ...argv, "--to", `${listener.url}/webhooks/zoho/own`], { cwd, env });
  return listener.event(before + 1);
}

describe("the event of a user-defined product is recognised", () => {
  it("by a header, also for a body sent with --data", async () => {
    const cwd = project({ event: { header: "X-Event" } });
    expect(await sendOwn(cwd, ["a.lost"])).toMatchObject({ event: "a.lost", known: true });
    expect(await sendOwn(cwd, ["a.made", "--data", "@body.json"])).toMatchObject({
      event: "a.made",
      body_b64: Buffer.from('{ "n" : "2" }').toString("base64"),
    });
  });

  it("by a key of the query, of a request without a body", async () => {
    const cwd = project({ event: { query: "what" }, encoding: "query" });
    expect(await sendOwn(cwd, ["a.lost"])).toMatchObject({
      method: "GET",
      event: "a.lost",
      path: expect.stringContaining("what=a.lost"),
      status: 200,
    });
  });

  it("by a field of a form", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"own":{"path":"own","encoding":"form"}}}',
      "own/product.json": '{"event":"kind","methods":["PUT"]}',
      "own/fixtures/a.json": '{"kind":"a"}',
      "own/fixtures/b.json": '{"kind":"b"}',
    });
    expect(await sendOwn(cwd, ["b"])).toMatchObject({
      event: "b",
      headers: expect.arrayContaining([["content-type", "application/x-www-form-urlencoded"]]),
    });
    const url = `${listener?.url}/webhooks/zoho/own`;
    const put = { method: "PUT", body: new URLSearchParams({ kind: "a" }) };
    expect((await fetch(url, put)).status).toBe(200);
    expect((await fetch(url, { ...put, method: "PATCH" })).status).toBe(405);
  });

  it("without a name if there is only one, and only at the product's own URL", async () => {
    const cwd = project(undefined, ["only"]);
    expect(await sendOwn(cwd, ["only"])).toMatchObject({
      event: "only",
      known: true,
      records: [expect.stringMatching(/^\d{19}$/)],
    });
    expect((await listener?.post("/webhooks/zoho/own", '{"x":1}'))?.status).toBe(200);
    expect(await listener?.event(2)).toMatchObject({ event: "only" });
    expect((await listener?.post("/webhooks/zoho", '{"x":1}'))?.status).toBe(404);
  });
});

describe("a user-defined product is verified", () => {
  it("by nothing, which is reported", async () => {
    const cwd = project({ event: { header: "x-event" } });
    expect(await sendOwn(cwd, ["a.made"], { ZOHO_WEBHOOK_SECRET: "k" })).toMatchObject({ signatures: [], status: 200 });
    expect((await run(["products", "own"], { cwd })).out).toContain("none known");
  });

  it.each([
    ["a header", { header: "x-key" }],
    ["a parameter", { parameter: "key" }],
    ["basic authentication", { basic: "me" }],
  ])("by a fixed value in %s, said in the folder or in the settings", async (_, auth) => {
    const env = { ZOHO_WEBHOOK_AUTH_OWN: "v4lue" };
    for (const cwd of [project({ auth }, ["only"]), project({}, ["only"], { auth })]) {
      expect(await sendOwn(cwd, ["only"], env)).toMatchObject({
        status: 200,
        signatures: [{ id: "static-auth", covers: "sender", result: "verified" }],
      });
      expect(await sendOwn(cwd, ["only", "--bad-token"], env)).toMatchObject({ status: 401 });
      await listener?.stop();
      listener = undefined;
    }
  });

  it.skipIf(lacks("openssl")).each([
    ["sha256", "hex", ""],
    ["sha512", "base64", "v1="],
    ["sha1", "base64", ""],
  ] as const)("by an HMAC of %s in %s, as openssl makes it", async (algorithm, encoding, prefix) => {
    const signature = { header: "x-sig", algorithm, encoding, ...(prefix === "" ? {} : { prefix }) };
    const env = { ZOHO_WEBHOOK_SECRET: "k3y" };
    const sent = await sendOwn(project({ signature }, ["only"]), ["only"], env);
    expect(sent).toMatchObject({ status: 200, signatures: [{ id: "body-signature", result: "verified" }] });
    const body = Buffer.from(String(sent.body_b64), "base64");
    const digest = openssl(["dgst", `-${algorithm}`, "-hmac", "k3y", "-binary"], body).toString(encoding);
    expect(sent.headers).toContainEqual(["x-sig", prefix + digest]);
    const other = createHmac(algorithm, "other").update(body).digest(encoding);
    const refused = await listener?.post("/webhooks/zoho/own", body, { "x-sig": prefix + other });
    expect([refused?.status, refused?.text]).toEqual([401, expect.stringContaining("does not match")]);
  });

  it("by a signature, whose missing prefix is named as the cause", async () => {
    const cwd = project({ signature: { header: "x-sig", encoding: "hex", prefix: "sha256=" } }, ["only"]);
    const signature = createHmac("sha256", "k3y").update('{ "n" : "2" }').digest("hex");
    const argv = ["verify", "body.json", "-p", "own", "-e", "only", "-H", `x-sig: ${signature}`, "--explain", "--json"];
    const { exitCode, lines } = await run(argv, { cwd, env: { ZOHO_WEBHOOK_SECRET: "k3y" } });
    const [told] = Object(lines()[0]).explanations as { findings: { id: string; matches: boolean }[] }[];
    expect([exitCode, told?.findings.filter(({ matches }) => matches)]).toEqual([
      3,
      [expect.objectContaining({ id: "prefix-missing" })],
    ]);
  });

  it("by the signature of the finance products", async () => {
    const env = { ZOHO_WEBHOOK_SECRET: "k3y" };
    const cwd = project({ signature: "finance" }, ["only"]);
    expect(await sendOwn(cwd, ["only"], env)).toMatchObject({
      signatures: [{ id: "finance-signature", result: "verified" }],
    });
    const to = ["--to", `${listener?.url}/webhooks/zoho/own`];
    await run(["send", "books", "invoice.created", "--format", "wire", ...to], { env });
    expect(await listener?.event(2)).toMatchObject({ status: 200, signatures: [{ result: "verified" }] });
    await run(["send", "books", "invoice.created", "--format", "wire", ...to], { env: { ZOHO_WEBHOOK_SECRET: "x" } });
    expect(await listener?.event(3)).toMatchObject({ status: 401 });
  });

  it("by both the guide's signature and a fixed value", async () => {
    const env = { ZOHO_WEBHOOK_SECRET: "k3y", ZOHO_WEBHOOK_AUTH: "v" };
    const cwd = project({ signature: "guide", auth: { parameter: "key" } }, ["only"]);
    expect(await sendOwn(cwd, ["only"], env)).toMatchObject({
      signatures: [
        { id: "static-auth", result: "verified" },
        { id: "guide-signature", result: "verified" },
      ],
    });
  });
});

describe("replay", () => {
  it("signs Desk's token for the configured webhook", async () => {
    const audience = "webhookId:189200000000321777";
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { desk: { format: "wire", audience } } }),
    });
    await run(["keygen"], { cwd });
    const keys = join(cwd, ".zoho-hooks", "keys");
    const env = { ZOHO_WEBHOOK_JWKS: join(keys, "jwks.json"), ZOHO_WEBHOOK_PRIVATE_KEY: join(keys, "private.pem") };
    listener = await startListener([], { cwd, env });
    await run(["send", "desk", "Ticket_Add", "--to", `${listener.url}/webhooks/zoho/desk`], { cwd, env });
    await listener.event(1);
    const argv = ["replay", "1", "--to", "3000", "--dry-run", "--show-secrets", "--json"];
    const [sent] = (await run(argv, { cwd, env })).lines().filter(({ type }) => type === "sent");
    const headers = (sent?.request as { headers: [string, string][] } | undefined)?.headers ?? [];
    const token = headers.find(([name]) => name.toLowerCase() === "x-zdesk-jwt")?.[1] ?? "";
    expect(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())).toMatchObject({ aud: audience });
  });
});
