import { createHmac, createPublicKey } from "node:crypto";
import { importPKCS8, type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { keyId, writeKeySet } from "../../src/signatures/keys.ts";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const SECRET = "zohohooksDemo2024";
const INVOICE = '{"invoice":{"invoice_id":"460000000049123","status":"sent","total":120.5}}';

/** As Zoho Sign prints it: the doubled brace makes it no JSON. */
const published = {
  body: '{{"requests":{"request_name":"Test Name"},"notifications":{"operation_type":"RequestSigningSuccess"}}',
  signature: "drbSrM4H816RYKpZiRBLddUa0yHaTrwjtY04sIZFZus=",
  env: { ZOHO_WEBHOOK_SECRET: "thisisthesamplekeyfortestingpurposes" },
};

async function verify(body: string, argv: readonly string[], env: Record<string, string>) {
  return run(["verify", "a.json", ...argv], { cwd: folderWith({ "a.json": body }), env });
}

describe("verify --signature, of a body that cannot be read,", () => {
  it("verifies the signature of the named product, and still reports an invalid body", async () => {
    const { exitCode, out } = await verify(published.body, ["-p", "sign", "-s", published.signature], published.env);
    expect(out).toContain("not valid JSON");
    expect(out).toContain("✓ verified (sign-signature): signed with ZOHO_WEBHOOK_SECRET");
    expect(out).not.toContain("was not checked");
    expect(exitCode).toBe(4);
  });

  it("reports a wrong one, and explains it", async () => {
    const argv = ["-p", "sign", "-s", published.signature, "--explain"];
    const { exitCode, out } = await verify(`${published.body}\n`, argv, published.env);
    expect(exitCode).toBe(3);
    expect(out).toContain("✗ wrong signature (sign-signature)");
    expect(out).toContain("a newline was added at the end");
  });

  it("checks the one that stands among the headers, too", async () => {
    const header = (signature: string) => ["-p", "sign", "-H", `X-ZS-WEBHOOK-SIGNATURE: ${signature}`];
    const good = await verify(published.body, header(published.signature), published.env);
    expect([good.exitCode, good.out]).toEqual([4, expect.stringContaining("✓ verified (sign-signature)")]);
    const bad = await verify(published.body, header(published.signature.toLowerCase()), published.env);
    expect([bad.exitCode, bad.out]).toEqual([3, expect.stringContaining("✗ wrong signature (sign-signature)")]);
    const none = await verify(published.body, ["-p", "sign", "-H", "x-other: 1"], published.env);
    expect([none.exitCode, none.out]).toEqual([4, expect.not.stringContaining("sign-signature")]);
  });

  it("tries every scheme where no product is named, and names the one that fits", async () => {
    const { exitCode, out } = await verify(published.body, ["-s", published.signature], published.env);
    expect(exitCode).toBe(4);
    expect(out).toContain("  ✓ verified (sign-signature): signed with ZOHO_WEBHOOK_SECRET\n");
    expect(out).toContain(
      "the signature is right as x-zs-webhook-signature: HMAC-SHA256 of the body, base64 (--product sign)",
    );
    const body = '{"no":"event"}';
    const hex = createHmac("sha256", SECRET).update(body).digest("hex");
    const { out: several } = await verify(body, ["-s", hex], { ZOHO_WEBHOOK_SECRET: SECRET });
    expect(several).toMatch(/right as x-zoho-signature: HMAC-SHA256 of the body, hex \(--product .*\bcrm\b/);
    expect(several).toMatch(
      /right as x-zoho-webhook-signature: HMAC-SHA256 of the sorted .*, hex \(--product .*\bbooks\b/,
    );
  });

  it("says what to do where no scheme fits, or no key is set", async () => {
    const wrong = await verify('{"no":"event"}', ["-s", "00"], { ZOHO_WEBHOOK_SECRET: SECRET });
    expect([wrong.exitCode, wrong.out]).toEqual([
      4,
      expect.stringContaining("matches no known scheme with the keys that are set"),
    ]);
    const none = await verify('{"no":"event"}', ["-s", "00"], {});
    expect([none.exitCode, none.out]).toEqual([
      4,
      expect.stringContaining("no key is set to try the others: set ZOHO_WEBHOOK_SECRET"),
    ]);
  });
});

describe("verify --signature, where the signature covers a query,", () => {
  const signature = createHmac("sha256", SECRET).update(`eventinvoice.created${INVOICE}`).digest("hex");
  const argv = ["-p", "books", "-s", signature];
  const env = { ZOHO_WEBHOOK_SECRET: SECRET };

  it("asks for the URL when none was given", async () => {
    const { exitCode, out } = await verify(INVOICE, argv, env);
    expect(exitCode).toBe(3);
    expect(out).toContain("pass the URL that it was sent to with --url");
    const explained = await verify(INVOICE, [...argv, "--explain"], env);
    expect(explained.out).toContain("→ the signature also covers the query of the URL, which is not known here");
    expect(explained.out).not.toContain("the secret differs");
  });

  it("shows no secret of the query or the body in the signed text", async () => {
    const url = ["--url", "/x?authtoken=hunter2&event=invoice.created", "--explain", "-v"];
    const { out } = await verify(INVOICE.replace("{", '{"token":"t0ken",'), [...argv, ...url], env);
    // After it, -v shows the user's own body.
    const [, covered] = /covered:\n(.*?)\n\n/s.exec(out) ?? [];
    expect(covered).toContain('authtoken[masked]eventinvoice.created{"token":"[masked]"');
    expect(covered).not.toMatch(/hunter2|t0ken/);
  });

  it("rejects a value that is not a URL", async () => {
    const { exitCode, err } = await verify(INVOICE, [...argv, "--url", "event=invoice.created"], env);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("is not a URL")]);
  });

  it("does not ask for the URL when it was given, or is not the cause", async () => {
    const url = ["--url", "https://example.com/webhooks/zoho/books?event=invoice.created"];
    expect((await verify(INVOICE, [...argv, ...url], env)).exitCode).toBe(0);
    const changed = await verify(`${INVOICE} `, [...argv, ...url], env);
    expect(changed.exitCode).toBe(3);
    expect(changed.out).not.toContain("--url");
  });
});

describe("verify --explain of Desk's JWT", () => {
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: "orgId:60017843", aud: "webhookId:189200000000321001", iat: now, exp: now + 600 };
  const body = JSON.stringify([
    {
      payload: { id: "1892000000004203471" },
      eventTime: "1736937000000",
      eventType: "Ticket_Delete",
      orgId: "60017843",
    },
  ]);
  const kid = keyId(createPublicKey(testKeys.publicKey));
  const env = { ZOHO_WEBHOOK_JWKS: writeKeySet(createPublicKey(testKeys.publicKey)) };

  async function explained(
    change: (token: string) => string,
    claims: JWTPayload = good,
    name = kid,
    more: string[] = [],
  ) {
    const key = await importPKCS8(testKeys.privateKey, "RS256");
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: name, typ: "JWT" }).sign(key);
    const argv = ["-p", "desk", "-s", change(token), "--explain", ...more];
    const { out } = await verify(body, argv, env);
    const [line] = (await verify(body, [...argv, "--json"], env)).lines();
    const explanations = (line?.explanations ?? []) as { findings: { id: string; matches: boolean }[] }[];
    const matches = explanations.flatMap(({ findings }) => findings).filter((each) => each.matches);
    return { out, matches: matches.map(({ id }) => id) };
  }

  it.each<[string, string, change: (token: string) => string, claims?: JWTPayload, name?: string]>([
    ["Bearer before it", "wrapped", (token) => `Bearer ${token}`],
    ["quotes around it", "wrapped", (token) => `"${token}"`],
    ["a part that is missing", "cut-off", (token) => token.slice(0, token.lastIndexOf("."))],
    ["an end that is missing", "cut-off", (token) => token.slice(0, -20)],
    ["a key under another name", "other-key", (token) => token, good, "another"],
    ["an age that is too great", "claims", (token) => token, { ...good, iat: now - 1200, exp: now - 600 }],
    ["another organisation", "claims", (token) => token, { ...good, iss: "orgId:1" }],
  ])("finds %s", async (_what, id, change, claims, name) => {
    expect((await explained(change, claims, name)).matches).toEqual([id]);
  });

  it("shows what is signed: the claims, not the body", async () => {
    const { out } = await explained((token) => token, { ...good, iss: "orgId:1" });
    expect(out).toContain("the JWT's header and claims, not the body");
    expect(out).toContain(`issuer "orgId:1", audience "webhookId:189200000000321001"`);
    expect(out).toContain("the JWT was issued by orgId:1, but the body is from orgId:60017843");
  });

  it.each<[string, JWTPayload, remedy: string, more?: string[]]>([
    ["age", { ...good, iat: now - 1200, exp: now - 600 }, "--tolerance 30d"],
    ["organisation", { ...good, iss: "orgId:1" }, "check that the delivery is for your organisation"],
    ["future", { ...good, iat: now + 300 }, "set this machine's clock"],
    [
      "organisation, beside an age that is allowed",
      { ...good, exp: now - 600, iss: "orgId:1" },
      "check that",
      ["--tolerance", "2h"],
    ],
  ])("says what to do about its %s", async (_what, claims, remedy, more = []) => {
    const { out } = await explained((token) => token, claims, kid, more);
    expect(out.split("but a claim is not:")[1]?.split("tried")[0]).toContain(remedy);
  });

  it("uses the arrival time of a recorded delivery, like the verdict", async () => {
    const key = await importPKCS8(testKeys.privateKey, "RS256");
    const made = new SignJWT({ ...good, iss: "orgId:1", iat: now - 90_000, exp: now - 89_400 });
    const token = await made.setProtectedHeader({ alg: "RS256", kid }).sign(key);
    const line = {
      ...{ v: 1, type: "event", at: new Date((now - 89_990) * 1000), product: "desk", method: "POST" },
      ...{ path: "/webhooks/zoho/desk", headers: [["x-zdesk-jwt", token]], body_b64: btoa(body) },
    };
    const { out } = await verify(JSON.stringify(line), ["--explain"], env);
    expect(out).toContain("but a claim is not: the JWT was issued by orgId:1");
  });

  it("finds no cause where a letter was changed", async () => {
    const { out, matches } = await explained((token) => token.replace(/.{9}$/, "AAAAAAAAA"));
    expect(matches).toEqual([]);
    expect(out).toContain("no common mistake explains it");
  });
});

describe("verify --explain of a fixed value of the user's own", () => {
  it.each([
    ["a header", { header: "x-hook-key" }, ["-s", '"p3arl-0f-wisdom"'], "white-space"],
    ["a header", { header: "x-hook-key" }, ["-s", "P3arl-0f-wisdom"], "case"],
    ["the password", { basic: "bob" }, ["-H", `authorization: Basic ${btoa("bob:p3arl-0f-w")}`], "cut-off"],
    ["a parameter", { parameter: "key" }, ["--url", "https://example.com/?key=p3arl%252D0f%252Dwisdom"], "encoded"],
    ["a header", { header: "authorization" }, ["-H", "Authorization: Bearer p3arl-0f-wisdom"], "scheme"],
    ["a header twice", { header: "x-a" }, ["-H", "x-a: p3arl-0f-wisdom", "-H", "X-A: other"], "repeated"],
    ["the name", { basic: "bob" }, ["-H", `authorization: Basic ${btoa("bobby:p3arl-0f-wisdom")}`], "user"],
  ])("finds what is wrong with that in %s (%j)", async (_where, auth, argv, id) => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { survey: { format: "wire", auth } } }),
      "a.json": '{"rating":"4","response_id":"aB3dE5gH"}',
    });
    const env = { ZOHO_WEBHOOK_AUTH: "p3arl-0f-wisdom" };
    const { exitCode, out, err } = await run(["verify", "a.json", "-p", "survey", "--explain", "--json", ...argv], {
      cwd,
      env,
    });
    expect([exitCode, err]).toEqual([3, ""]);
    expect([...out.matchAll(/"id":"([a-z-]+)","matches":true/g)].map(([, found]) => found)).toEqual([id]);
    expect(out).not.toContain("p3arl-0f-wisdom");
  });

  it("compares a number in a JSON body by its digits", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"survey":{"format":"wire","auth":{"parameter":"key"}}}}',
      "a.json": '{"response_id":"aB3dE5gH","key":4711}',
    });
    const argv = ["verify", "a.json", "-p", "survey"];
    const { exitCode, out } = await run(argv, { cwd, env: { ZOHO_WEBHOOK_AUTH: "4711" } });
    expect(out).toContain("✓ verified (static-auth)");
    expect(exitCode).toBe(0);
  });
});
