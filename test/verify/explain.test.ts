import { createHash, createHmac, sign as signRsa } from "node:crypto";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const DATA = {
  event: "invoice_created",
  organization_id: "708215634",
  data: {
    invoice_id: "2761940000000418093",
    invoice_number: "INV/00217",
    customer_name: "Café Müller",
    total: 1250,
    status: "draft",
    date: "2025-01-15",
  },
};
const COMPACT = JSON.stringify(DATA);
const PRETTY = JSON.stringify(DATA, undefined, 2);
const SECRET = "s3cret-of-the-books";

type Signer = { algorithm?: string; key?: string | Buffer; encoding?: "hex" | "base64" };

function sign(body: string | Buffer, { algorithm = "sha256", key = SECRET, encoding = "hex" }: Signer = {}): string {
  return createHmac(algorithm, key).update(body).digest(encoding);
}

async function explain(
  body: string | Buffer,
  signature: string,
  env: Record<string, string> = {},
  flags: string[] = [],
  product = "books",
) {
  const cwd = folderWith({ "a.json": body });
  const argv = ["verify", "a.json", "--explain", "-p", product, "-s", signature, ...flags];
  const options = { cwd, env: { ZOHO_WEBHOOK_SECRET: SECRET, ...env } };
  const human = await run(argv, options);
  const json = await run([...argv, "--json"], options);
  const [line] = json.lines();
  const explanations = (line?.explanations ?? []) as { findings: { id: string; matches: boolean }[] }[];
  const matches = explanations.flatMap(({ findings }) => findings).filter((each) => each.matches);
  return { human, json, matches: matches.map(({ id }) => id) };
}

const crlf = (text: string): string => text.replaceAll("\n", "\r\n");
const python = COMPACT.replace(/([,:])(?=["{\d])/g, "$1 ").replace(
  /[^\0-\x7f]/g,
  (c) => `\\u00${c.charCodeAt(0).toString(16)}`,
);

/** An id and a price that `JSON.parse` does not keep. */
const exact = (space: string): string => {
  const colon = space === "" ? ":" : ": ";
  const end = space === "" ? "" : "\n";
  return `{${space}"id"${colon}4150868000000002179,${space}"b"${colon}1250.00${end}}`;
};
/** Two ids, the second of which is text that stays as it is. */
const LONG = '{"id":4150868000000002179,"same":"4150868000000002000","data":{"id":4150868000000002179}}';
const ROUNDED = JSON.stringify(JSON.parse(LONG));

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const rounded = JSON.stringify(JSON.parse(exact("")), null, 2);

it("verify --explain tries no layouts of an absurdly nested body", async () => {
  const cwd = folderWith({ "a.json": `${"[".repeat(9000)}${"]".repeat(9000)}` });
  const argv = ["verify", "a.json", "--explain", "-p", "cliq", "-s", Buffer.alloc(256).toString("base64")];
  const { exitCode, err } = await run(argv, { cwd, env: { ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey } });
  expect(err).not.toContain("bug");
  expect([3, 4]).toContain(exitCode);
});

describe("verify --explain finds", () => {
  it.each<[string, body: string | Buffer, signature: string, id: string]>([
    ["a body that was serialised again", PRETTY, sign(COMPACT), "reserialised"],
    ["a body that was indented before it was signed", COMPACT, sign(PRETTY), "indented-2"],
    ["digits that JavaScript loses, indented after signing", exact("\n  "), sign(exact("")), "compact"],
    ["such digits, indented before signing", exact(""), sign(exact("\n  ")), "indented-2"],
    ["such digits as Python writes them", exact(""), sign('{"id": 4150868000000002179, "b": 1250.00}'), "spaced"],
    ["such digits with the keys sorted", exact(""), sign('{"b":1250.00,"id":4150868000000002179}'), "keys-sorted"],
    ["such digits, parsed and indented", exact(""), sign(rounded), "reserialised+indented-2"],
    ["escapes that were written out", '{"a":"\\/ü"}', sign('{"a":"\\/\\u00fc"}'), "ascii-escaped"],
    [
      "characters that were escaped",
      '{"n":4150868000000002179,"a":"\\u00fc"}',
      sign('{"n":4150868000000002179,"a":"ü"}'),
      "unescaped",
    ],
    ["a newline at the end", `${COMPACT}\n`, sign(COMPACT), "newline-added"],
    ["a newline that is gone", COMPACT, sign(`${COMPACT}\n`), "newline-removed"],
    ["white space around", ` ${COMPACT}\n\n`, sign(COMPACT), "space-added"],
    ["CRLF for LF", crlf(PRETTY), sign(PRETTY), "crlf-from-lf"],
    ["LF for CRLF", PRETTY, sign(crlf(PRETTY)), "lf-from-crlf"],
    ["a byte order mark", `\uFEFF${COMPACT}`, sign(COMPACT), "bom-added"],
    ["a byte order mark that is gone", COMPACT, sign(`\uFEFF${COMPACT}`), "bom-removed"],
    [
      "UTF-8 that was encoded twice",
      Buffer.from(Buffer.from(COMPACT).toString("latin1")),
      sign(COMPACT),
      "encoded-twice",
    ],
    ["text that was signed in Latin-1", COMPACT, sign(Buffer.from(COMPACT, "latin1")), "utf8-from-latin1"],
    ["UTF-8 that came in Latin-1", Buffer.from(COMPACT, "latin1"), sign(COMPACT), "latin1-from-utf8"],
    ["numbers that were rounded after signing", ROUNDED, sign(LONG), "rounded"],
    ["numbers that were rounded before signing", LONG, sign(ROUNDED), "reserialised"],
    ["a hash without the secret", COMPACT, hash(COMPACT), "no-secret"],
    ["a hash without the secret, of a line", COMPACT, hash(`${COMPACT}\n`), "newline-removed+no-secret"],
    ["a hash of the secret and the body", COMPACT, hash(SECRET + COMPACT), "secret-before-body"],
    ["a hash of the body and the secret", COMPACT, hash(COMPACT + SECRET), "secret-after-body"],
    ["half of a signature, as long as one with MD5", COMPACT, sign(COMPACT).slice(0, 32), "cut-off"],
    ["all but the last digit of a signature", COMPACT, sign(COMPACT).slice(0, -1), "cut-off"],
    [
      "the start of a signature in upper case",
      PRETTY,
      sign(COMPACT).slice(0, 16).toUpperCase(),
      "reserialised+cut-off",
    ],
    ["an empty body", COMPACT, sign(""), "empty"],
    ["slashes as PHP writes them", COMPACT, sign(COMPACT.replaceAll("/", "\\/")), "slashes-escaped"],
    ["slashes that were escaped after signing", COMPACT.replaceAll("/", "\\/"), sign(COMPACT), "reserialised"],
    ["base64 for hex", COMPACT, sign(COMPACT, { encoding: "base64" }), "base64-for-hex"],
    ["base64 of the hex digits", COMPACT, Buffer.from(sign(COMPACT)).toString("base64"), "base64-of-hex"],
    ["upper case", COMPACT, sign(COMPACT).toUpperCase(), "upper-case"],
    ["a prefix", COMPACT, `sha256=${sign(COMPACT)}`, "decorated"],
    ["another algorithm", COMPACT, sign(COMPACT, { algorithm: "sha1" }), "sha1-for-sha256"],
    ["a secret in quotes", COMPACT, sign(COMPACT, { key: `"${SECRET}"` }), "secret-quoted"],
    ["a secret with a newline", COMPACT, sign(COMPACT, { key: `${SECRET}\n` }), "secret-space"],
    [
      "a secret that was taken for base64",
      COMPACT,
      sign(COMPACT, { key: Buffer.from(SECRET, "base64") }),
      "secret-base64",
    ],
    ["two changes of the body", `\uFEFF${crlf(PRETTY)}`, sign(PRETTY), "crlf-from-lf+bom-added"],
    ["a newline and CRLF", `${crlf(PRETTY)}\r\n`, sign(PRETTY), "newline-added+crlf-from-lf"],
    ["what Python writes", COMPACT, sign(python), "spaced+ascii-escaped"],
    ["a change of the body and of the signature", PRETTY, sign(COMPACT).toUpperCase(), "reserialised+upper-case"],
    [
      "a change of the body and of the secret",
      `${COMPACT}\n`,
      sign(COMPACT, { key: `${SECRET}\n` }),
      "newline-added+secret-space",
    ],
    ["a prefix before upper case", COMPACT, `SHA256=${sign(COMPACT).toUpperCase()}`, "decorated+upper-case"],
    [
      "JSON that was signed before it went into a form",
      `data=${encodeURIComponent(COMPACT)}`,
      sign(COMPACT),
      "unwrapped",
    ],
    ["a signature that was cut off", COMPACT, sign(COMPACT).slice(1), "unreadable"],
    ["a digit too many", COMPACT, `${sign(COMPACT)}0`, "unreadable"],
  ])("%s", async (_, body, signature, id) => {
    const { human, matches } = await explain(body, signature);
    expect(matches).toContain(id);
    expect(human.out).toContain("→");
    expect(human.exitCode).toBe(3);
  });

  it("white space and quotes around the configured secret", async () => {
    const spaced = await explain(COMPACT, sign(COMPACT), { ZOHO_WEBHOOK_SECRET: ` ${SECRET}\n` });
    expect(spaced.matches).toEqual(["secret-trimmed"]);
    expect(spaced.human.out).toContain("ZOHO_WEBHOOK_SECRET has white space around it");
    const quoted = await explain(COMPACT, sign(COMPACT), { ZOHO_WEBHOOK_SECRET: `"${SECRET}"` });
    expect(quoted.matches).toEqual(["secret-unquoted"]);
  });

  it("another of the configured secrets, and names it", async () => {
    const env = { ZOHO_WEBHOOK_SECRET_CRM: "of-the-crm", ZOHO_WEBHOOK_TOKEN: "a-token" };
    const { human, matches } = await explain(COMPACT, sign(COMPACT, { key: "of-the-crm" }), env);
    expect(matches).toEqual(["other-secret"]);
    expect(human.out).toContain("signed with ZOHO_WEBHOOK_SECRET_CRM");
    expect((await explain(`${COMPACT}\n`, sign(COMPACT, { key: "a-token" }), env)).matches).toEqual([
      "newline-added+other-secret",
    ]);
  });

  it("a signature of SalesIQ's that is written in hex, of a body that a newline was added to", async () => {
    const body = '{"event":"visitor.chat"}';
    const hex = signRsa("sha256", Buffer.from(body), testKeys.privateKey).toString("hex");
    const keys = { ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey };
    expect((await explain(body, hex, keys, [], "salesiq")).matches).toEqual(["hex-for-base64"]);
    const { human, matches } = await explain(`${body}\n`, hex, keys, [], "salesiq");
    expect(matches).toEqual([expect.stringMatching(/^hex-for-base64\+/)]);
    expect(human.out).toContain("is in hex; base64 is expected; and a newline was added");
  });

  it("a signature of Payments' that is written in base64", async () => {
    const t = String(Date.now());
    const base64 = sign(`${t}.${COMPACT}`, { encoding: "base64" });
    expect((await explain(COMPACT, `t=${t},v=${base64}`, {}, [], "payments")).matches).toEqual(["base64-for-hex"]);
  });

  it("which of Payments' two signing keys to compare", async () => {
    const t = String(Date.now());
    const signature = `t=${t},v=${sign(`${t}.${COMPACT}`, { key: "of-the-dashboard" })}`;
    const { human, matches } = await explain(COMPACT, signature, {}, [], "payments");
    expect(matches).toEqual([]);
    expect(human.out).toMatch(
      /compare ZOHO_WEBHOOK_SECRET with the webhook's own signing key \(.*Webhooks.*View Signing Key\); .*Authentication Keys/s,
    );
  });

  it("what was changed, in words", async () => {
    const out = async (body: string, signature: string) => (await explain(body, signature)).human.out;
    expect(await out(ROUNDED, sign(LONG))).toContain("→ a JSON parser has rounded numbers of more than 15 digits");
    expect(await out(LONG, sign(ROUNDED))).toContain("(JSON.stringify), with long numbers rounded\n");
    expect(await out('{"a":"\\/"}', sign('{"a":"/"}'))).toContain("(JSON.stringify), with \\/ written as /\n");
    expect(await out(COMPACT, hash(SECRET + COMPACT))).toContain("a plain hash of ZOHO_WEBHOOK_SECRET followed by");
    expect(await out(COMPACT, sign(COMPACT).slice(0, 32))).toContain("it has the first 32 of 64 characters");
  });

  it("the base64 of a signature cut off, and slashes that Zoho Mail had written", async () => {
    const body = '{"subject":"a/b","fromAddress":"a@b.example","toAddress":"c@d.example"}';
    const base64 = sign(body.replaceAll("/", "\\/"), { encoding: "base64" });
    const env = { ZOHO_WEBHOOK_HOOK_SECRET: SECRET };
    const { human, matches } = await explain(body, base64, env, [], "mail");
    expect([matches, human.out]).toEqual([
      ["slashes-escaped"],
      expect.stringContaining("\\/, as Zoho Mail and PHP do"),
    ]);
    const half = sign(body, { encoding: "base64" }).slice(0, 22);
    expect((await explain(body, half, env, [], "mail")).matches).toEqual(["cut-off"]);
  });

  it.each([
    ["whole", (key: string) => sign(ROUNDED, { key })],
    ["half", (key: string) => sign(ROUNDED, { key }).slice(0, 32)],
    ["a hash with it", (key: string) => hash(key + ROUNDED)],
  ])("nothing where only the secret is another: %s", async (_, signed) => {
    expect((await explain(ROUNDED, signed("of-someone-else"))).matches).toEqual([]);
  });

  it("nothing in too short a part of a signature", async () => {
    expect((await explain(COMPACT, sign(COMPACT).slice(0, 14))).matches).toEqual(["unreadable"]);
  });

  it("what was ruled out in words, with -v only", async () => {
    const signature = sign(COMPACT, { key: "of-someone-else" });
    expect((await explain(COMPACT, signature)).human.out).not.toContain("ruled out");
    const { human } = await explain(COMPACT, signature, {}, ["-v"]);
    expect(human.out).toContain("    ruled out:\n      ");
    expect(human.out).toContain("      a newline at the end of the body was removed after it was signed\n");
    expect(human.out).not.toContain("newline-removed");
  });

  it("no known cause", async () => {
    const { human, matches } = await explain(COMPACT, sign(COMPACT, { key: "of-someone-else" }));
    expect(matches).toEqual([]);
    expect(human.out).toContain(
      "    → no change to the body explains it: most likely the secret differs\n      compare ZOHO_WEBHOOK_SECRET with the one in Zoho\n",
    );
    const changed = await explain(COMPACT.replace("1250", "1251"), sign(COMPACT));
    expect(changed.matches).toEqual([]);
  });

  it("what the finance signature covers in one line, and the whole string with -v only", async () => {
    const argv = ["verify", "a.json", "--explain", "-p", "books", "--format", "wire", "-s", "0".repeat(64)];
    const signed = async (body: string, ...flags: string[]) =>
      (await run([...argv, ...flags], { cwd: folderWith({ "a.json": body }), env: { ZOHO_WEBHOOK_SECRET: SECRET } }))
        .out;
    const url = ["--url", "/hook?b=2&a=1"];
    const bytes = Buffer.byteLength(PRETTY);
    const short = `  why finance-signature: it covers the sorted query pairs and the raw body, ${bytes} bytes\n    → no change`;
    expect(await signed(PRETTY, ...url)).toContain(short);
    expect(await signed(PRETTY, ...url)).not.toContain("INV/00217");
    const verbose = await signed(PRETTY, ...url, "-v");
    expect(verbose).toContain(short);
    expect(verbose).toContain("    covered:\n    a1b2{\n");
    const empty = await signed("", "-H", "content-type: text/plain", ...url);
    expect(empty).toContain("it covers the sorted query pairs; the body is empty\n");
  });

  it("no mistake in the secret where it was signed with an empty one", async () => {
    expect((await explain(COMPACT, sign(COMPACT, { key: "" }))).matches).toEqual([]);
  });

  it("that there is no signature at all", async () => {
    const options = { cwd: folderWith({ "a.json": COMPACT }), env: { ZOHO_WEBHOOK_SECRET: SECRET } };
    const { out } = await run(["verify", "a.json", "-H", "x-a: 1", "--explain"], options);
    expect(out).toContain("→ there is no x-zoho-signature header");
  });

  it("does not explain a proof that passed", async () => {
    const { human, json } = await explain(COMPACT, sign(COMPACT));
    expect(human.exitCode).toBe(0);
    expect(human.out).not.toContain("why");
    expect(json.lines()[0]).not.toHaveProperty("explanations");
  });
});

describe("verify --explain does not show", () => {
  it("the right signature without --show-expected, nor any secret", async () => {
    const env = { ZOHO_WEBHOOK_SECRET_CRM: "of-the-crm" };
    const [quiet, asked] = await Promise.all([
      explain(PRETTY, sign(COMPACT), env),
      explain(PRETTY, sign(COMPACT), env, ["--show-expected"]),
    ]);
    for (const { human, json } of [quiet, asked]) {
      for (const text of [human.out, human.err, json.out, json.err]) {
        expect(text).not.toContain(SECRET);
        expect(text).not.toContain("of-the-crm");
      }
    }
    expect(quiet.human.out + quiet.json.out).not.toContain(sign(PRETTY));
    expect(asked.human.out).toContain(`expected ${sign(PRETTY)}`);
    expect(asked.json.lines()[0]).toMatchObject({
      explanations: [{ expected: sign(PRETTY), received: sign(COMPACT) }],
    });
  });

  it("shows with --show-expected the right signature of an unsigned body", async () => {
    const options = { cwd: folderWith({ "a.json": COMPACT }), env: { ZOHO_WEBHOOK_SECRET: SECRET } };
    const { exitCode, out } = await run(["verify", "a.json", "--show-expected"], options);
    expect(out).toContain(`expected ${sign(COMPACT)}`);
    expect(exitCode).toBe(0);
  });
});

describe("verify --explain of a token", () => {
  const lead = (token: string | undefined): string =>
    JSON.stringify({ module: "Leads", operation: "create", ids: ["1"], token, data: { id: "1", Last_Name: "Tanaka" } });

  it.each([
    ["YOUR_NOTIFICATION_TOKEN", "placeholder"],
    ["Token-Of-CRM", "case"],
    ["token-of-crm ", "white-space"],
    ["token%2Dof%2Dcrm", "encoded"],
    ["token-of-", "cut-off"],
    ["token-of-recruit", "other-secret"],
    [undefined, "missing"],
    ["something else", undefined],
  ])("%j says why", async (token, id) => {
    const env = { ZOHO_WEBHOOK_TOKEN: "token-of-crm", ZOHO_WEBHOOK_TOKEN_RECRUIT: "token-of-recruit" };
    const { exitCode, lines } = await run(["verify", "--explain", "--show-expected", "--json"], {
      stdin: lead(token),
      env,
    });
    const [line] = lines();
    const [explanation] = (line?.explanations ?? []) as { findings: { id: string; matches: boolean }[] }[];
    const matches = explanation?.findings.filter((each) => each.matches).map((each) => each.id);
    expect(matches).toEqual(id === undefined ? [] : [id]);
    expect(JSON.stringify(explanation)).not.toMatch(/token-of-(crm|recruit)/i);
    expect(exitCode).toBe(3);
  });
});
