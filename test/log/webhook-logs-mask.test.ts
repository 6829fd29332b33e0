import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isSecretName, MASK, maskBody } from "../../src/delivery/mask.ts";
import { newEntry } from "../support/log-entry.ts";
import { engines, runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

const NAMES = [
  ...["token", "Token", "access_token", "accessToken", "clientSecret", "client_secret", "x-zoho-signature", "zapikey"],
  ...["apiKey", "api-key", "api_key", "privateKey", "private-key", "userAuth", "user_auth", "auth", "AUTH", "sig"],
  ...[
    "sign",
    "x.sign",
    "userPWD",
    "pwd",
    "credentials",
    "awsCredential",
    "jwt",
    "hmac",
    "Cookie",
    "passwd",
    "Password",
  ],
  ...["auth_key", "authKey", "authkey", "access_key", "app-key", "hookKey", "webhook_key", "shared_key", "secret_key"],
  ...["secretKey", "signing_key", "passphrase"],
  ...["oauth", "design", "author", "tokens", "secretary", "id", "Email", "signed", "privacy", "assign", "keys"],
];
const SECRET = "s3cr3t-value";

describe.each(engines)("the payload of webhook_logs on %s", (engine) => {
  async function payloadsOf(bodies: readonly (string | Buffer)[]): Promise<readonly string[]> {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    for (const [i, body] of bodies.entries()) await log.append(newEntry({ body, receivedAt: new Date(i) }));
    const rows = await runSqlIn(engine, path, "SELECT payload FROM webhook_logs ORDER BY received_at");
    return rows.map(({ payload }) => String(payload));
  }

  it("masks the same names as every other view, at any depth", async () => {
    const bodies = NAMES.map(
      (name) => `{"list":[{"deep":{${JSON.stringify(name)}:"${SECRET}"}}],"id":9007199254740993001}`,
    );
    const payloads = await payloadsOf(bodies);
    payloads.forEach((payload, i) => {
      const masked = isSecretName(NAMES[i] ?? "");
      expect(`${NAMES[i]} ${payload}`).toBe(
        `${NAMES[i]} ${masked ? maskBody(Buffer.from(bodies[i] ?? ""), "") : bodies[i]}`,
      );
    });
  });

  it("masks everything below a secret name, and numbers", async () => {
    const [below, number, nothing] = await payloadsOf([
      `{"secret":{"a":["${SECRET}"]},"b":1}`,
      `{"token":5725767000000123456}`,
      `{"token":"","secret":null}`,
    ]);
    // PostgreSQL has no function that keeps the text of the rest.
    if (engine === "postgresql") expect(below).toContain("zoho-hooks events show 1");
    else expect(below).toBe(`{"secret":"${MASK}","b":1}`);
    expect(number).toBe(`{"token":"${MASK}"}`);
    expect(nothing).toBe(`{"token":"","secret":null}`);
  });

  it.each([
    ["a form", `id=1&token=${SECRET}`],
    ["a form with an encoded name", `id=1&%74oken=${SECRET}`],
    ["a form that holds JSON", `payload=%7B%22authtoken%22%3A%22${SECRET}%22%7D`],
    ["a form with a short name", `id=1&auth=${SECRET}`],
    ["a form with a key", `id=1&auth_key=${SECRET}`],
    ["an address in JSON", `{"u":"https://x/h?token=${SECRET}"}`],
    ["JSON in JSON", JSON.stringify({ a: JSON.stringify({ token: SECRET }) })],
    ["multipart", `--x\r\nContent-Disposition: form-data; name="sig"\r\n\r\n${SECRET}\r\n--x--`],
    ["broken JSON", `{"token":"${SECRET}"`],
    ["broken JSON with an escaped name", `{"t\\u006fken":"${SECRET}"`],
    ["JSON behind a byte order mark", `\uFEFF{"token":"${SECRET}"}`],
    ["JSON with an escaped name", `{"t\\u006fken":"${SECRET}"}`],
    ["a name twice", `{"token":"first","token":"${SECRET}"}`],
    ["a name with quotes and dots", `{"a\\"b.c[0]":{"token":"${SECRET}"}}`],
    ["more names than can be masked one by one", `[${Array.from({ length: 400 }, () => `{"token":"${SECRET}"}`)}]`],
    ["a text with a zero byte in front", `\0{"token":"${SECRET}"}`],
    ["UTF-16", Buffer.from(`{"token":"${SECRET}"}`, "utf16le")],
    ["JSON too deep for SQLite", `${"[".repeat(5000)}{"token":"${SECRET}"}${"]".repeat(5000)}`],
  ])("shows no secret in %s", async (_, body) => {
    const [payload = ""] = await payloadsOf([body]);
    expect(payload.replaceAll("\0", "")).not.toContain(SECRET);
    expect(payload).toMatch(/\[masked(: run zoho-hooks events show 1)?\]/);
  });

  it("shows an e-mail with a signature and a URL", async () => {
    const bodies = [
      JSON.stringify({ content: '<div class="zmail_signature design">see https://example.com/a?id=5&assign=1</div>' }),
    ];
    expect(await payloadsOf(bodies)).toEqual(bodies);
    const [spaced, password] = await payloadsOf([
      JSON.stringify({ a: `{"token" : "${SECRET}"}` }),
      JSON.stringify({ u: `https://bob:${SECRET}@example.com/h` }),
    ]);
    expect(`${spaced}${password}`).not.toContain(SECRET);
  });

  it("shows a body without secrets unchanged", async () => {
    const bodies = ["a=1&email=b%40c.example&x=%5B1%5D", '{"broken": ', "", '{ "a" : 1250.00 }', "<Note>hi</Note>"];
    expect(await payloadsOf(bodies)).toEqual(bodies);
  });

  it("hides bodies that are not UTF-8", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    const body = Buffer.from('{"a":"é"}', "latin1");
    const headers = [["content-type", "application/json; charset=iso-8859-1"]] as const;
    await log.append(newEntry({ body, headers }));
    const quoted = [["content-type", 'application/json; charset="utf-8"']] as const;
    await log.append(newEntry({ body: '{"a":"é"}', headers: quoted }));
    const payloads = await runSqlIn(engine, path, "SELECT payload FROM webhook_logs ORDER BY received_at");
    expect(payloads.map(({ payload }) => payload)).toEqual([
      expect.stringContaining("zoho-hooks events show 1"),
      '{"a":"é"}',
    ]);
  });

  it.each([404, 405])("hides bodies that were rejected with %i before they were read", async (status) => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    const body = Buffer.from('{"a":"é"}', "latin1");
    await log.append(newEntry({ body, status, accepted: false, refusal: "no webhook at this path" }));
    const [row] = await runSqlIn(engine, path, "SELECT payload FROM webhook_logs");
    expect(row?.payload).toContain("zoho-hooks events show 1");
  });
});
