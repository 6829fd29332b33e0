import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { closeAfterEach, env, hmac, SECRET, send, TOKEN, target } from "../support/send.ts";
import { type Target, valuesOf } from "../support/target.ts";

closeAfterEach();

/** `send --data` with each word as it is. */
function sendData(app: Target, data: string, more: readonly string[] = [], options = {}) {
  return run(["send", "crm", "--to", String(app.port), "--data", data, ...more], { env, ...options });
}

function file(content: string | Buffer): { cwd: string; arg: string } {
  const cwd = tempFolder();
  writeFileSync(join(cwd, "body"), content);
  return { cwd, arg: "@body" };
}

const lead = JSON.stringify({ module: "Leads", operation: "create", ids: ["1"], token: TOKEN, data: { id: "1" } });

describe("send --data", () => {
  it.each([
    ["white space, CRLF and a long number", Buffer.from('{ "id": 4150868000000002179,\r\n "total": 1250.00 }\n')],
    ["bytes that are no text", Buffer.from([0xff, 0x00, 0x80])],
    ["a byte order mark", Buffer.from("\ufeff{}")],
    ["nothing", Buffer.alloc(0)],
  ])("sends a file byte for byte, signed: %s", async (_, body) => {
    const app = await target();
    const { cwd, arg } = file(body);
    const { exitCode } = await sendData(app, arg, ["--format", "guide"], { cwd });
    expect(exitCode).toBe(0);
    expect(app.seen[0]?.body.equals(body)).toBe(true);
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual([hmac(body)]);
  });

  it("reads the body from the argument or standard input", async () => {
    const app = await target();
    await sendData(app, lead);
    await sendData(app, "-", [], { stdin: lead });
    expect(app.seen.map((seen) => seen.body.toString())).toEqual([lead, lead]);
  });

  it("sends an empty body for an empty text", async () => {
    const app = await target();
    expect(await sendData(app, "")).toMatchObject({ exitCode: 0, err: expect.stringContaining("is not JSON") });
    expect(app.seen.map(({ body }) => body.length)).toEqual([0]);
  });

  it("recognises the event, and without a product in the command the product too", async () => {
    const app = await target();
    const result = await sendData(app, lead, ["--json"]);
    expect(result.lines()).toMatchObject([{ type: "sent", product: "crm", event: "Leads.create" }]);
    const other = await run([
      "send",
      "--data",
      '{"event":"Ticket.Close","orgId":"1","ticketId":"1"}',
      "--to",
      `${app.port}`,
      "--json",
    ]);
    expect(other.lines()).toMatchObject([{ type: "sent", product: "desk", event: "Ticket.Close" }]);
    expect(app.seen[1]?.path).toBe("/webhooks/zoho/desk");
  });

  it("uses the named event for a body that fits any event", async () => {
    const app = await target();
    const flags = ["--to", String(app.port), "--data", '{"a":1}', "--json"];
    const { lines, err } = await run(["send", "crm", "Leads.create", ...flags]);
    expect([err, lines()]).toEqual(["", [expect.objectContaining({ event: "Leads.create", format: "wire" })]]);
    // Without a name it is custom.
    expect((await run(["send", "crm", ...flags])).lines()).toMatchObject([{ event: "webhook", format: "workflow" }]);
    expect((await run(["send", "crm", "webhook", ...flags])).lines()).toMatchObject([{ format: "workflow" }]);
  });

  it("requires the product when the body does not show it", async () => {
    const { exitCode, err } = await run(["send", "--data", "{}", "--to", "1"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("the product cannot be recognised from the body");
  });

  it("names the content type: the user's, else JSON where it is JSON, else text, with a warning", async () => {
    const app = await target();
    await sendData(app, lead);
    await sendData(app, "a=1&b=2", ["-H", "Content-Type: application/x-www-form-urlencoded"]);
    const text = await sendData(app, "hello");
    expect(app.seen.map((seen) => valuesOf(seen, "content-type"))).toEqual([
      ["application/json"],
      ["application/x-www-form-urlencoded"],
      ["text/plain; charset=utf-8"],
    ]);
    expect(text.err).toContain("the body is not JSON: it is sent as text/plain");
  });

  it.each([
    ['{"a":1,\n "b":2,}', "(line 2, column 8: expected a key in double quotes)"],
    ["\uFEFF{}", "(it starts with a byte order mark)"],
  ])("says why a body is not the JSON that it was meant to be: %j", async (body, why) => {
    const app = await target();
    const { cwd, arg } = file(body);
    expect((await sendData(app, arg, [], { cwd })).err).toContain(
      `the body is not JSON ${why}: it is sent as text/plain`,
    );
    const changed = await sendData(app, arg, ["--seed", "1"], { cwd });
    expect([changed.exitCode, changed.err]).toEqual([2, expect.stringContaining(`valid JSON ${why}`)]);
  });

  it("warns when the guide's handler would compute another signature, and not otherwise", async () => {
    const app = await target();
    expect((await sendData(app, lead)).err).toBe("");
    const spaced = await sendData(app, lead.replace("{", "{ "));
    expect(spaced.err).toContain("parsing and serialising this body again changes its bytes");
    expect(spaced.err).toContain("JSON.stringify(req.body)");
    expect(spaced.err).not.toContain("loses digits");
    const long = await sendData(app, `${lead.slice(0, -1)},\n"n":[4150868000000002179]}`);
    expect(long.err).toContain("the number at line 2, column 6 loses digits");
  });

  it("warns when the body's token is not the configured one, and sends it unchanged", async () => {
    const app = await target();
    const body = lead.replace(TOKEN, "another");
    const { err } = await sendData(app, body);
    expect(err).toContain("the token in the body is not the configured one");
    expect(err).not.toContain(TOKEN);
    expect(app.seen[0]?.body.toString()).toBe(body);
  });

  it("does not warn of a missing token in a format without one", async () => {
    const app = await target();
    const withoutToken = JSON.stringify({ module: "Leads", operation: "create", ids: ["1"], data: { id: "1" } });
    for (const body of ['{"lead_name":"Ada"}', withoutToken]) {
      const { exitCode, err } = await sendData(app, body, ["--format", "workflow"]);
      expect([exitCode, err]).toEqual([0, ""]);
    }
    expect((await sendData(app, withoutToken)).err).toContain("the body has none");
  });

  it.each([
    ["a header", { header: "x-hook-key" }],
    ["a parameter", { parameter: "key" }],
  ])(
    "does not warn of a configured value in %s, which the request gets, and warns where it is still wrong",
    async (_, auth) => {
      const app = await target();
      const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ products: { forms: { auth } } }) });
      const argv = ["send", "forms", "--to", String(app.port), "--data"];
      const sendForm = (body: string, ...more: string[]) =>
        run([...argv, body, ...more], { cwd, env: { ZOHO_WEBHOOK_AUTH: "k3y" } });
      const right = await sendForm('{"Name":"Ada"}');
      expect([right.exitCode, right.err]).toEqual([0, ""]);
      const [seen] = app.seen;
      expect(`${JSON.stringify(seen?.headers)} ${seen?.path}`).toContain("k3y");
      const wrong =
        "header" in auth ? await sendForm("{}", "-H", "x-hook-key: other") : await sendForm('{"key":"other"}');
      expect(wrong.err).toMatch(/^warning: .*(not the configured one|also another one); your body is sent as it is$/m);
    },
  );

  it("changes what --set names and writes the rest compact, with the token", async () => {
    const app = await target();
    await sendData(app, lead.replace(TOKEN, "another").replace("{", "{ "), ["--set", 'data.id="2"']);
    expect(app.seen[0]?.body.toString()).toBe(lead.replace('"id":"1"', '"id":"2"'));
    expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual([hmac(app.seen[0]?.body)]);
  });

  it("has new ids and the token with --seed, the same on every run", async () => {
    const app = await target();
    const id = "4150868000000002179";
    const body = lead.replaceAll('"1"', `"${id}"`).replace(TOKEN, "another");
    for (let i = 0; i < 2; i++) await sendData(app, body, ["--seed", "7"]);
    const [first, second] = app.seen.map(({ body }) => body.toString());
    expect(second).toBe(first);
    const { ids, token, data } = JSON.parse(first ?? "");
    expect([ids, token]).toEqual([[data.id], TOKEN]);
    expect(data.id).not.toBe(id);
  });

  it("preserves all digits when it writes JSON again", async () => {
    const app = await target();
    const body = '{"id":4150868000000002179,"b":9973000000138072,"c":1}';
    expect((await sendData(app, body, ["--set", "c=2"])).exitCode).toBe(0);
    expect(app.seen[0]?.headers).toContainEqual(["content-type", "application/json"]);
    expect(String(app.seen[0]?.body)).toBe('{"id":4150868000000002179,"b":9973000000138072,"c":2}');
  });

  it("refuses to change a body that is not JSON", async () => {
    const app = await target();
    const text = await sendData(app, "hello", ["-H", "content-type: text/plain", "--set", "a=1"]);
    expect(text).toMatchObject({ exitCode: 2, err: expect.stringContaining("--set needs a body that is valid JSON") });
    expect(app.seen).toHaveLength(0);
  });

  it("explains a missing @ and a missing file", async () => {
    const app = await target();
    const { cwd } = file("{}");
    expect((await sendData(app, "body", [], { cwd })).err).toContain("--data @body");
    expect(await sendData(app, "@none", [], { cwd })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("none: no such file"),
    });
    expect(app.seen).toHaveLength(0);
  });
});

describe("the signature", () => {
  it.skipIf(lacks("openssl"))("is what openssl computes over the bytes that arrive", async () => {
    const app = await target();
    await send("crm Leads.create --format guide --to PORT", app);
    const [seen] = app.seen;
    const path = join(mkdtempSync(join(tmpdir(), "zoho-hooks-test-")), "body");
    writeFileSync(path, seen?.body ?? "");
    const { stdout } = spawnSync("openssl", ["dgst", "-sha256", "-hmac", SECRET, "-r", path], { encoding: "utf8" });
    expect(stdout.split(" ")[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(seen && valuesOf(seen, "x-zoho-signature")).toEqual([stdout.split(" ")[0]]);
  });
});
