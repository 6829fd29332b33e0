import { createHmac, createPublicKey } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { keyId, writeKeySet } from "../../src/signatures/keys.ts";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { startTarget } from "../support/target.ts";
import { testKeys } from "../support/test-secrets.ts";

const SECRET = "zohohooksDemo2024";
const env = { ZOHO_WEBHOOK_SECRET: SECRET };
const BODY = '{"invoice":{"invoice_id":"460000000049123","status":"sent","total":120.5}}';
const hex = (text: string): string => createHmac("sha256", SECRET).update(text).digest("hex");

describe("verify, of Zoho's own deliveries,", () => {
  it("includes the query of --url in the signed text", async () => {
    const argv = ["verify", "--product", "books", "--signature", hex(`actionadd${BODY}`), "--json"];
    const without = await run(argv, { env, stdin: BODY });
    expect(without.exitCode).toBe(3);
    const { exitCode, lines } = await run([...argv, "--url", "https://example.com/hook?action=add"], {
      env,
      stdin: BODY,
    });
    expect(exitCode).toBe(0);
    expect(lines()[0]).toMatchObject({
      product: "books",
      event: "invoice.created",
      signatures: [{ id: "finance-signature", result: "verified" }],
    });
  });

  it("checks a custom body by the scheme of its signature", async () => {
    const form = "event_id=5675&plan_code=basic-monthly";
    const type = ["-H", "content-type: application/x-www-form-urlencoded"];
    const url = ["--url", "https://example.com/hook?customer_name=Acme%20%26%20Sons"];
    const signature = "cd7785e58812e62463dd21bd0d727f9bdd51c4371bc3efb60d603f7c88986b4a";
    const argv = ["verify", "-p", "books", ...type];
    const passed = await run([...argv, ...url, "--signature", signature], { env, stdin: form });
    expect(passed.out).toContain(
      "✓ verified (finance-signature): signed with ZOHO_WEBHOOK_SECRET over 1 query pair and 2 form",
    );
    const failed = await run([...argv, "-H", `x-zoho-webhook-signature: ${signature}`, "--explain", "-v"], {
      env,
      stdin: form,
    });
    expect(failed.exitCode).toBe(3);
    expect(failed.out).toContain("✗ wrong signature (finance-signature)");
    expect(failed.out).toContain("event_id5675plan_codebasic-monthly");
    expect(failed.out).toContain("pass the URL that it was sent to with --url");
    const unknown = await run([...argv, "--signature", signature.replace("cd", "dc")], { env, stdin: form });
    expect(unknown.exitCode).toBe(3);
    expect(unknown.out).toContain("✗ wrong signature (finance-signature)");
    expect(unknown.out).toContain("pass the URL that it was sent to with --url");
  });

  it("checks and explains ZeptoMail's signature with its own secret, and shows none of it", async () => {
    const body = JSON.stringify({ event_name: ["email_open"], event_message: [{ email_info: {}, event_data: [] }] });
    const signature = createHmac("sha256", SECRET).update(`${body}\n`).digest("base64");
    const header = `producer-signature: ts=1596109465823;s=${encodeURIComponent(signature)};s-algorithm=HmacSHA256`;
    const own = { env: { ZOHO_WEBHOOK_SECRET: "another", ZOHO_WEBHOOK_SECRET_ZEPTOMAIL: SECRET } };
    const passed = await run(["verify", "-H", header], { ...own, stdin: `${body}\n` });
    expect([passed.exitCode, passed.out]).toEqual([
      0,
      expect.stringContaining("✓ verified (zeptomail-signature): signed with ZOHO_WEBHOOK_SECRET_ZEPTOMAIL"),
    ]);
    expect(passed.err).toContain("receivers in use read this event as email_open");
    const failed = await run(["verify", "-p", "zeptomail", "-H", header, "--explain"], { ...own, stdin: body });
    expect([failed.exitCode, failed.out]).toEqual([
      3,
      expect.stringContaining("a newline at the end of the body was removed"),
    ]);
    expect(failed.out + failed.err).not.toContain(signature.slice(0, 20));
  });

  it("explains a failure by the signed text and the missing part of it", async () => {
    const argv = ["verify", "--product", "books", "--url", "/?action=add", "--signature", hex(BODY), "--explain", "-v"];
    const { exitCode, out } = await run(argv, { env, stdin: BODY });
    expect(exitCode).toBe(3);
    expect(out).toContain(`actionadd${BODY}`);
    expect(out).toContain(`it covers the sorted query pairs and the raw body, ${BODY.length} bytes`);
    expect(out).toContain("the query was added to the URL after signing");
    const tagged = ["--url", "/hook?action=add&utm_source=x&utm_medium=y"];
    const signed = ["verify", "--product", "books", "--signature", hex(`actionadd${BODY}`), "--explain"];
    expect((await run([...signed, ...tagged], { env, stdin: BODY })).out).toContain(
      '→ the parameters "utm_source", "utm_medium" were added to the URL after signing',
    );
  });

  it("verifies an old line of listen as of its arrival, and a bare header as of now", async () => {
    const t = Date.parse("2025-01-15T10:30:00Z");
    const body =
      '{"event_id":1,"event_type":"payment.succeeded","account_id":2,"event_time":3,"event_object":{"payment":{}}}';
    const header = `t=${t},v=${hex(`${t}.${body}`)}`;
    const line = JSON.stringify({
      v: 1,
      type: "event",
      at: "2025-01-15T10:30:20.000Z",
      product: "payments",
      method: "POST",
      path: "/webhooks/zoho/payments",
      headers: [
        ["content-type", "application/json"],
        ["x-zoho-webhook-signature", header],
      ],
      body_b64: Buffer.from(body).toString("base64"),
    });
    expect((await run(["verify"], { env, stdin: line })).exitCode).toBe(0);
    const bare = ["verify", "--product", "payments", "--signature", header];
    const refused = await run(bare, { env, stdin: body });
    expect(refused.exitCode).toBe(3);
    expect(refused.out).toContain("the limit is 5 min (--tolerance)");
    expect((await run([...bare, "--tolerance", "36500d"], { env, stdin: body })).exitCode).toBe(0);
  });

  it("reports several values of a signature, where the first is wrong", async () => {
    const values = (...all: string[]) => all.flatMap((value) => ["-H", `X-Zoho-Webhook-Signature: ${hex(value)}`]);
    const verify = (...argv: string[]) => run(["verify", "-p", "books", ...argv], { env, stdin: BODY });
    const { exitCode, out } = await verify(...values("another", BODY));
    expect([exitCode, out]).toEqual([
      3,
      expect.stringContaining("came with 2 different values, and the first was checked"),
    ]);
    expect((await verify(...values("another", "another"))).out).not.toContain("of which the first");
    expect((await verify(...values(BODY, "another"))).exitCode).toBe(0);
  });

  it("names the variable that a signature would be checked with", async () => {
    const { exitCode, out } = await run(["verify", "--product", "cliq", "--signature", "AAAA"], {
      stdin: '{"params":{},"handler":"x"}',
    });
    expect(exitCode).toBe(6);
    expect(out).toContain("? no key (cliq-signature): to verify it, set ZOHO_WEBHOOK_PUBLIC_KEY\n");
  });

  it("accepts Desk's token as --signature, like any only proof in a header", async () => {
    const body =
      '[{"payload":{"id":"1892000000004203471"},"eventTime":"1","eventType":"Ticket_Delete","orgId":"60017843"}]';
    const publicKey = createPublicKey(testKeys.publicKey);
    const token = await new SignJWT({ iss: "orgId:60017843", aud: "webhookId:1" })
      .setProtectedHeader({ alg: "RS256", kid: keyId(publicKey) })
      .setExpirationTime("10m")
      .sign(await importPKCS8(testKeys.privateKey, "RS256"));
    const argv = (signature: string) => ["verify", "--product", "desk", "--signature", signature, "--json"];
    const keys = { ZOHO_WEBHOOK_JWKS: writeKeySet(publicKey) };
    const { exitCode, lines } = await run(argv(token), { env: keys, stdin: body });
    expect(lines()[0]).toMatchObject({ signatures: [{ id: "desk-token", covers: "sender", result: "verified" }] });
    expect(exitCode).toBe(0);
    const forged = `${token.slice(0, -8)}AAAAAAAA`;
    expect((await run(argv(forged), { env: keys, stdin: body })).exitCode).toBe(3);
    const unset = await run(argv(token), { stdin: body });
    expect(unset.exitCode).toBe(6);
    expect(unset.lines()[0]).toMatchObject({ outcome: "no_key", signatures: [{ result: "no_key" }] });
  });

  it("fetches no public keys where nothing is checked with them", async () => {
    const env = { ZOHO_WEBHOOK_JWKS: "https://127.0.0.1:1/keys" };
    const invoice = '{"invoice":{"invoice_id":"460000000030220015"}}';
    expect((await run(["verify", "--product", "books"], { env, stdin: invoice })).exitCode).toBe(0);
    const signed = await run(["verify", "--product", "desk", "-H", "x-zdesk-jwt: a.b.c"], { env, stdin: "[]" });
    expect(signed.exitCode).toBe(6);
  });

  it("fetches public keys from a URL of the variable alone, not from one in a file", async () => {
    const server = await startTarget();
    const url = `${server.url}/keys`;
    const verify = (files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) =>
      run(["verify", "--product", "desk", "-H", "x-zdesk-jwt: a.b.c"], { cwd: folderWith(files), env, stdin: "[]" });
    for (const text of [url, ` ${url}\n`, `\u0001${url}`])
      expect(await verify({ "keys.txt": text }, { ZOHO_WEBHOOK_JWKS_DESK: "keys.txt" })).toMatchObject({
        exitCode: 2,
        err: expect.stringMatching(
          /^error: ZOHO_WEBHOOK_JWKS_DESK: the file \S+keys\.txt has a URL in it, not a key\n {2}set ZOHO_WEBHOOK_JWKS_DESK to the URL itself\n/,
        ),
      });
    const stored = { ".zoho-hooks/keys/hook-secrets.json": JSON.stringify({ desk: { jwks: url } }) };
    expect((await verify(stored, {})).out).toBe((await verify({}, {})).out);
    expect(server.seen).toEqual([]);
    await verify({}, { ZOHO_WEBHOOK_JWKS: url });
    expect(server.seen).toHaveLength(1);
    await server.close();
  });

  it.each([
    ["cliq", "x-cliq-signature", '{"params":{}}'],
    ["desk", "x-zdesk-jwt", '[{"payload":{"id":"1"},"eventTime":"1","eventType":"Ticket_Delete","orgId":"1"}]'],
  ])("explains of %s that its header is missing, and tries nothing", async (product, header, body) => {
    const publicKey = createPublicKey(testKeys.publicKey);
    const env = { ZOHO_WEBHOOK_JWKS: writeKeySet(publicKey), ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey };
    const argv = ["verify", "--product", product, "-H", "x-other: 1", "--explain", "-v"];
    const { out } = await run(argv, { env, stdin: body });
    expect(out.toLowerCase()).toContain(`there is no ${header} header`);
    expect(out).not.toContain("ruled out");
  });
});
