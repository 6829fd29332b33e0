import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";

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
  it("checks the signature of the product that is named, and still says that the body is not valid", async () => {
    const { exitCode, out } = await verify(published.body, ["-p", "sign", "-s", published.signature], published.env);
    expect(out).toContain("not valid JSON");
    expect(out).toContain("✓ sign-signature: signed with ZOHO_WEBHOOK_SECRET");
    expect(out).not.toContain("was not checked");
    expect(exitCode).toBe(4);
  });

  it("says when it is wrong, and explains it", async () => {
    const argv = ["-p", "sign", "-s", published.signature, "--explain"];
    const { exitCode, out } = await verify(`${published.body}\n`, argv, published.env);
    expect(exitCode).toBe(3);
    expect(out).toContain("✗ sign-signature failed");
    expect(out).toContain("a newline was added at the end");
  });

  it("asks for the product where none is named", async () => {
    const { exitCode, out } = await verify(published.body, ["-s", published.signature], published.env);
    expect(exitCode).toBe(4);
    expect(out).toContain("name the product with --product");
  });
});

describe("verify --signature, where the signature covers a query,", () => {
  const signature = createHmac("sha256", SECRET).update(`eventinvoice.created${INVOICE}`).digest("hex");
  const argv = ["-p", "books", "-s", signature];
  const env = { ZOHO_WEBHOOK_SECRET: SECRET };

  it("asks for the URL when none was given", async () => {
    const { exitCode, out } = await verify(INVOICE, argv, env);
    expect(exitCode).toBe(3);
    expect(out).toContain("give the one it was sent to with --url");
  });

  it("does not where it was given, or is not what is wrong", async () => {
    const url = ["--url", "https://example.com/webhooks/zoho/books?event=invoice.created"];
    expect((await verify(INVOICE, [...argv, ...url], env)).exitCode).toBe(0);
    const changed = await verify(`${INVOICE} `, [...argv, ...url], env);
    expect(changed.exitCode).toBe(3);
    expect(changed.out).not.toContain("--url");
  });
});
