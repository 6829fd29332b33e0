import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { closeAfterEach, env, hmac, SECRET, send, target } from "../support/send.ts";
import { freePort } from "../support/target.ts";

closeAfterEach();

/** Runs a command line in a POSIX shell, without the user's curl settings. */
function shell(command: string): Promise<{ status: number | null; err: string }> {
  const script = join(tempFolder(), "command.sh");
  writeFileSync(script, command);
  const child = spawn("sh", [script], { env: { ...process.env, CURL_HOME: "/nowhere", HOME: "/nowhere" } });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, err })));
}

describe("send --dry-run", () => {
  it("prints the request and sends nothing", async () => {
    const app = await target();
    const { exitCode, out, err } = await send("crm Leads.create --format guide --to PORT --dry-run --seed 1", app);
    expect(exitCode).toBe(0);
    expect(app.seen).toHaveLength(0);
    expect(out).toContain(`POST http://localhost:${app.port}/webhooks/zoho/crm\ncontent-type: application/json\n`);
    expect(out).toMatch(/x-zoho-signature: [0-9a-f]{64}\n/);
    expect(out).toContain('{"module":"Leads","operation":"create"');
    expect(err).toContain("signed with ZOHO_WEBHOOK_SECRET");
    expect(out + err).not.toContain(SECRET);
  });

  it.each([
    ["crm.Leads.create", "crm Leads.create"],
    ["crm:leads.create", "crm Leads.create"],
    ["books.invoice_created", "books invoice_created"],
    ["salesiq.conversation.created", "salesiq conversation.created"],
  ])("takes %s for %s", async (joined, apart) => {
    const [short, long] = await Promise.all(
      [joined, apart].map((words) =>
        run(["send", ...words.split(" "), "--seed", "1", "--to", "3000", "--dry-run"], { env }),
      ),
    );
    expect([short?.exitCode, short?.out]).toEqual([0, long?.out]);
  });

  it("prints the exact request as JSON", async () => {
    const app = await target();
    const result = await send("crm Leads.create --format guide --to PORT --seed 1 --dry-run --json", app);
    await send("crm Leads.create --format guide --to PORT --seed 1", app);
    const [line] = result.lines();
    expect(line).toMatchObject({ v: 1, type: "sent", product: "crm", event: "Leads.create", status: null });
    const request = line?.request as Record<string, unknown>;
    const [seen] = app.seen;
    expect(request.method).toBe("POST");
    expect(request.url).toBe(`http://localhost:${app.port}/webhooks/zoho/crm`);
    expect(Buffer.from(String(request.body_b64), "base64").equals(seen?.body ?? Buffer.alloc(0))).toBe(true);
    expect(request.body).toBe(seen?.body.toString());
    expect(seen?.headers).toEqual(expect.arrayContaining(request.headers as unknown[]));
    expect(request.headers).toContainEqual(["x-zoho-signature", hmac(seen?.body)]);
  });

  it("needs no target to be there, and shows each of several", async () => {
    const { exitCode, out } = await run([
      "send",
      "survey",
      "--all",
      "--format",
      "guide",
      "--dry-run",
      "--to",
      String(await freePort()),
    ]);
    expect(exitCode).toBe(0);
    expect(out.match(/^POST /gm)).toHaveLength(2);
  });
});

describe.skipIf(lacks("posix", "curl"))("send --curl", () => {
  const bodies: readonly (readonly [string, Buffer])[] = [
    ["the sample of an event", Buffer.alloc(0)],
    ["quotes, dollars and backticks", Buffer.from(`{"a":"it's \\"$HOME\\" \`id\` $(id) \\\\ ! % @"}`)],
    ["an at sign first", Buffer.from("@body")],
    ["line ends and tabs", Buffer.from('{\r\n\t"a": 1\n}\n')],
    ["text of many scripts", Buffer.from(JSON.stringify({ a: "äß 漢字 🎉 עברית\u202e" }))],
    ["bytes that are no text", Buffer.from([0, 1, 2, 37, 39, 92, 45, 127, 128, 255, 10, 0])],
    ["a minus sign first, and not text", Buffer.from([45, 0, 48, 49])],
    ["200 kB", Buffer.from(JSON.stringify({ a: "x'%\\".repeat(50_000) }))],
    ["more than curl sends unasked", Buffer.alloc(1_200_000, "a")],
  ];

  it.each(bodies)("does the same: %s", async (_, body) => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "body"), body);
    const app = await target();
    const what =
      body.length === 0 ? ["Leads.create", "--seed", "1"] : ["--data", "@body", "-H", "Content-Type: application/json"];
    const line = ["send", "crm", ...what, "--format", "guide", "--to", `http://127.0.0.1:${app.port}/in?a=1&b=it's`];
    const headers = ["X-One: it's $HOME", "x-one: 2", "X-Empty:"].flatMap((each) => ["-H", each]);
    await run([...line, ...headers], { env, cwd });
    const { exitCode, out } = await run([...line, ...headers, "--curl"], { env, cwd });
    expect(exitCode).toBe(0);
    expect(out).not.toContain(SECRET);
    const { status, err } = await shell(out);
    expect(status, err).toBe(0);
    const [ours, theirs] = app.seen;
    expect(theirs?.method).toBe("POST");
    expect(theirs?.path).toBe(ours?.path);
    expect(theirs?.body.equals(ours?.body ?? Buffer.alloc(0))).toBe(true);
    const sent = (seen: typeof ours) =>
      seen?.headers.filter(([name]) => !["host", "connection", "content-length"].includes(name.toLowerCase()));
    expect(sent(theirs)).toEqual(sent(ours));
    expect(sent(theirs)).toContainEqual([
      "x-zoho-signature",
      createHmac("sha256", SECRET)
        .update(theirs?.body ?? "")
        .digest("hex"),
    ]);
  });

  it("sends an empty body as such, and escapes brackets in the URL for curl", async () => {
    const app = await target();
    const url = `http://127.0.0.1:${app.port}/in?ids[]={1,2}`;
    const { out } = await run(["send", "crm", "--data", "-", "--to", url, "--curl", "-H", "content-type: text/plain"], {
      stdin: "",
    });
    const { status, err } = await shell(out);
    expect(status, err).toBe(0);
    expect(app.seen).toHaveLength(1);
    expect(app.seen[0]?.path).toBe("/in?ids[]={1,2}");
    expect(app.seen[0]?.body).toHaveLength(0);
  });
});
