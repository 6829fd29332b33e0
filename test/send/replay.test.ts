import { createHmac } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { answering } from "../support/answers.ts";
import {
  type LoggedProject,
  leadBody,
  type ProjectOptions,
  SECRET,
  signature,
  startLoggedProject,
  TOKEN,
  ticketBody,
} from "../support/logged-project.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort, startTarget, type Target, valuesOf } from "../support/target.ts";

const JSON_TYPE = { "content-type": "application/json" };
const closing: { stop?(): Promise<void>; close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0)) await (each.stop?.() ?? each.close?.());
});

async function start(options: ProjectOptions = {}): Promise<LoggedProject> {
  const project = await startLoggedProject(options);
  closing.push(project);
  return project;
}

async function another(): Promise<Target> {
  const target = await startTarget();
  closing.push(target);
  return target;
}

describe("replay", () => {
  it("with --expect-status exits with 0 if that status came, else with 8", async () => {
    const project = await start();
    const body = leadBody();
    await project.deliver("/webhooks/zoho/crm", body, { ...JSON_TYPE, ...signature(body) });
    const refusing = await startTarget((response) => void response.writeHead(401).end("no"));
    closing.push(refusing);
    const argv = ["replay", "last", "--to", String(refusing.port), "--expect-status"];
    const refused = await project.run([...argv, "401"]);
    expect(refused.exitCode).toBe(0);
    expect(refused.out).toMatch(/✓ 401 #1/);
    expect(refused.out).not.toContain("your app uses a different secret");
    const unexpected = await project.run([...argv, "2xx"]);
    expect(unexpected.exitCode).toBe(8);
    expect(unexpected.out).toContain("expected 2xx, got 401");
    expect((await project.run([...argv, "401", "--dry-run"])).exitCode).toBe(2);
  });

  it("sends the same bytes and headers to where they went, with the event's number", async () => {
    const project = await start();
    const body = ` ${leadBody()}\n`;
    await project.deliver("/webhooks/zoho/crm?a=%2F", body, {
      "content-type": "application/json; charset=utf-8",
      ...signature(body),
      "x-custom": "kept",
    });
    const { exitCode, out } = await project.run(["replay", "last"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/✓ 200 #1 +crm +Leads\.create/);
    const [first, second] = project.app.seen;
    expect(second?.body.equals(Buffer.from(body))).toBe(true);
    expect(second?.path).toBe("/webhooks/zoho/crm?a=%2F");
    const headers = (seen: typeof first) => seen?.headers.join("\n").replace(/^connection,.*$/im, "");
    expect(headers(second)).toBe(headers(first));
    expect(second && valuesOf(second, "x-zoho-hooks-event")).toEqual(["1"]);
    expect(out).not.toContain("signed again");
  });

  it("prints each with its number for scripts, and records the attempt", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { lines } = await project.run(["replay", "1", "--json"]);
    expect(lines()).toEqual([
      expect.objectContaining({ v: 1, type: "sent", n: 1, event: "Leads.create", status: 200 }),
    ]);
    const shown = await project.run(["events", "show", "1", "--json"]);
    expect(shown.lines()[0]?.attempts).toMatchObject([
      { attempt: 1, status: 200 },
      { attempt: 2, status: 200 },
    ]);
  });

  it("sends all that failed in order, and they are listed as failed no longer", async () => {
    let broken = true;
    const project = await start({
      answer: (response) => {
        response.statusCode = broken ? 500 : 200;
        response.end();
      },
    });
    for (const subject of ["one", "two"]) await project.deliver("/webhooks/zoho/desk", ticketBody(subject));
    const failing = await project.run(["replay", "--only", "failed"]);
    expect(failing.exitCode).toBe(5);
    expect(failing.out).toMatch(/2 sent .* 0 ok, 2 failed/);
    expect((await project.run(["events", "list", "--only", "failed", "--json"])).lines()).toHaveLength(2);
    broken = false;
    const { exitCode, out } = await project.run(["replay", "--only", "failed"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/2 ok, 0 failed/);
    expect(project.app.seen.slice(-2).map(({ body }) => JSON.parse(body.toString()).ticket.subject)).toEqual([
      "one",
      "two",
    ]);
    expect(project.app.mostAtOnce).toBe(1);
    const left = await project.run(["replay", "--only", "failed"]);
    expect(left.exitCode).toBe(0);
    expect(left.err).toContain("nothing was sent");
  });

  it("counts what was delivered once as failed after a replay that failed, until one is accepted", async () => {
    let status = 200;
    const project = await start({ answer: (response) => void response.writeHead(status).end() });
    for (const subject of ["one", "two"]) await project.deliver("/webhooks/zoho/desk", ticketBody(subject));
    status = 500;
    const broken = await project.run(["replay", "--since", "yesterday"]);
    expect([broken.exitCode, broken.out]).toEqual([5, expect.stringContaining("0 ok, 2 failed")]);
    const { out } = await project.run(["events", "list", "--only", "failed"]);
    expect(out.match(/→ failed after 2 attempts/g)).toHaveLength(2);
    expect((await project.run(["events", "stats", "--json"])).lines()[0]).toMatchObject({ delivered: 0, failed: 2 });
    status = 200;
    const mended = await project.run(["replay", "--only", "failed"]);
    expect([mended.exitCode, mended.out]).toEqual([0, expect.stringContaining("2 ok, 0 failed")]);
    expect((await project.run(["events", "list", "--only", "failed", "--json"])).lines()).toEqual([]);
  });

  it("counts what was never forwarded as failed after a replay that failed", async () => {
    const project = await start({ forward: false, answer: (response) => void response.writeHead(500).end() });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    writeFileSync(join(project.cwd, "zoho-hooks.config.json"), JSON.stringify({ forwardTo: String(project.app.port) }));
    expect((await project.run(["replay", "--since", "1h"])).exitCode).toBe(5);
    expect((await project.run(["replay", "--only", "failed"])).exitCode).toBe(5);
    expect(project.app.seen).toHaveLength(2);
  });

  it("does not settle a failure when another body or another app was accepted", async () => {
    const project = await start({
      answer: (response, { body }) => void response.writeHead(body.includes("Printer") ? 500 : 200).end(),
    });
    const other = await another();
    await project.deliver("/webhooks/zoho/desk", ticketBody());
    expect((await project.run(["replay", "1", "--to", String(other.port)])).exitCode).toBe(0);
    expect((await project.run(["replay", "1", "--set", "ticket.subject=Fine"])).exitCode).toBe(0);
    expect((await project.run(["events", "list", "--only", "failed", "--json"])).lines()).toHaveLength(1);
  });

  it("sends the numbers and ranges that are named, each once, and a refused one only by its number", async () => {
    const project = await start();
    for (const email of ["1@example.com", "2@example.com", "3@example.com", "4@example.com", "5@example.com"]) {
      const forged = email.startsWith("2") ? JSON_TYPE : undefined;
      await project.deliver("/webhooks/zoho/crm", leadBody({ email }), forged);
    }
    const sent = async (...argv: string[]) => {
      const { exitCode, err, lines } = await project.run([
        "replay",
        "--json",
        "--to",
        String(project.app.port),
        ...argv,
      ]);
      expect([exitCode, err]).toEqual([0, ""]);
      return lines().flatMap(({ type, n }) => (type === "sent" ? [n] : []));
    };
    expect(await sent("4", "1..2")).toEqual([1, 4]);
    expect(await sent("#5", "2", "last", "1..3", "3..4", "2..2")).toEqual([1, 2, 3, 4, 5]);
    expect(await sent("4..900")).toEqual([4, 5]);
    const { exitCode, err } = await project.run(["replay", "1..2"]);
    expect([exitCode, err]).toEqual([0, expect.stringContaining("1 delivery was left out: #2 (refused); to send one")]);
    const before = project.app.seen.length;
    expect((await project.run(["replay", "700..800"])).err).toContain(
      "no delivery in the log matches: nothing was sent",
    );
    const missing = await project.run(["replay", "1", "99"]);
    expect([missing.exitCode, missing.err]).toEqual([2, expect.stringContaining("there is no event #99")]);
    expect(project.app.seen).toHaveLength(before);
  });

  it("skips what was refused or is no event, and reports the count", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    await project.deliver("/webhooks/zoho/crm", leadBody({ email: "forged@example.com" }), JSON_TYPE);
    await project.listener.post("/webhooks/zoho/desk", '{"challenge":"c"}');
    await project.listener.event(3);
    const before = project.app.seen.length;
    const { exitCode, err, lines } = await project.run(["replay", "--since", "10m", "--json"]);
    expect(exitCode).toBe(0);
    expect(lines().map(({ n }) => n)).toEqual([1]);
    expect(project.app.seen).toHaveLength(before + 1);
    const said = await project.run(["replay", "--since", "10m"]);
    expect(said.err).toContain("2 deliveries were left out: #2 (refused), #3 (not an event)");
    expect(err).toBe("");
    const forged = await project.run(["replay", "2", "--to", String(project.app.port), "--json"]);
    expect(forged.lines()[0]).toMatchObject({ n: 2, status: 200 });
  });

  it("exits with 2 where a filter or a range selects only what it leaves out, and names that", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody(), JSON_TYPE);
    await project.listener.post("/webhooks/zoho/desk", '{"challenge":"c"}');
    await project.listener.event(2);
    const left = "nothing was sent: 1 delivery was left out: #1 (refused)";
    const rejected = await project.run(["replay", "--only", "rejected"]);
    expect([rejected.exitCode, rejected.err]).toEqual([2, expect.stringContaining(left)]);
    expect(rejected.err).toContain("to send one anyway, give its number: ");
    const json = await project.run(["replay", "--only", "rejected", "--json"]);
    expect([json.exitCode, JSON.parse(json.err).error.message]).toEqual([2, left]);
    const range = await project.run(["replay", "1..2", "--dry-run"]);
    expect([range.exitCode, range.err]).toEqual([2, expect.stringContaining("#1 (refused), #2 (not an event)")]);
    expect(project.app.seen).toEqual([]);
  });

  it("goes where the settings forward when it was never forwarded, and else asks for a target", async () => {
    const project = await start({ forward: false });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { exitCode, err } = await project.run(["replay", "1"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("#1 (crm Leads.create) was not forwarded");
    expect(err).toContain("--to");
    expect(project.app.seen).toHaveLength(0);
    writeFileSync(join(project.cwd, "zoho-hooks.config.json"), JSON.stringify({ forwardTo: `${project.app.port}/in` }));
    expect((await project.run(["replay", "1"])).exitCode).toBe(0);
    expect(project.app.seen[0]?.path).toBe("/in");
  });

  it("goes to every target that it went to", async () => {
    const second = await another();
    const project = await start({ argv: ["--forward-to", `127.0.0.1:${second.port}/b`] });
    await project.listener.post("/webhooks/zoho/crm", leadBody(), { ...JSON_TYPE, ...signature(leadBody()) });
    await project.listener.line("forward", { n: 1, state: "delivered" }, 2);
    const { lines } = await project.run(["replay", "1", "--json"]);
    expect(
      lines()
        .filter(({ type }) => type === "sent")
        .map(({ url }) => url),
    ).toEqual([`http://localhost:${project.app.port}/webhooks/zoho/crm`, `http://127.0.0.1:${second.port}/b`]);
    expect(second.seen).toHaveLength(2);
  });

  it("goes where a mirrored delivery went", async () => {
    const project = await start({ argv: ["--respond", "mirror"] });
    await project.listener.post("/webhooks/zoho/crm", leadBody(), { ...JSON_TYPE, ...signature(leadBody()) });
    await project.listener.line("forward", { n: 1 });
    expect((await project.run(["replay", "1"])).exitCode).toBe(0);
    expect(project.app.seen).toHaveLength(2);
  });

  it("exits with 5 and explains it when nothing listens", async () => {
    const project = await start({ forward: false });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { exitCode, out } = await project.run(["replay", "1", "--to", String(await freePort())]);
    expect(exitCode).toBe(5);
    expect(out).toContain("nothing listens on");
    const { lines } = await project.run(["events", "show", "1", "--json"]);
    expect(lines()[0]?.attempts).toMatchObject([{ status: null, error: expect.stringContaining("nothing listens") }]);
  });

  it("gives up after the setting forwardTimeout, and follows no redirect", async () => {
    const project = await start({ forward: false });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const silent = await startTarget(() => {});
    const moved = await startTarget((response) => void response.writeHead(302, { location: project.app.url }).end());
    closing.push(silent, moved);
    const env = { ZOHO_HOOKS_FORWARD_TIMEOUT: "200ms" };
    const late = await project.run(["replay", "1", "--to", String(silent.port)], { env });
    expect(late.exitCode).toBe(5);
    expect(late.out).toContain("did not answer within 200 ms");
    const elsewhere = await project.run(["replay", "1", "--to", String(moved.port)]);
    expect(elsewhere.exitCode).toBe(5);
    expect(project.app.seen).toHaveLength(0);
  });

  it.each([
    ["Ctrl-C", "SIGINT"],
    ["SIGTERM", "SIGTERM"],
  ])("stops at %s without sending what is left", async (name, signal) => {
    const interrupt = new AbortController();
    const project = await start();
    for (const subject of ["one", "two", "three"]) await project.deliver("/webhooks/zoho/desk", ticketBody(subject));
    const app = await startTarget((response) => {
      interrupt.abort(signal);
      response.end();
    });
    closing.push(app);
    const { exitCode, err } = await project.run(["replay", "--since", "1h", "--to", String(app.port)], {
      signal: interrupt.signal,
    });
    expect(exitCode).toBe(5);
    expect(err).toContain(`stopped by ${name} after 1 of 3`);
    expect(app.seen).toHaveLength(1);
    // What our own end has cut short says nothing of the app.
    const [kept] = (await project.run(["events", "show", "1", "--json"])).lines();
    expect(kept?.attempts).toMatchObject([{ target: expect.stringContaining(String(project.app.port)) }]);
  });
});

describe("replay of a changed body", () => {
  it("changes one value, no other byte, and signs it again", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { out } = await project.run(["replay", "1", "--set", "data.Email=new@example.com"]);
    const [, second] = project.app.seen;
    const wanted = leadBody({ email: "new@example.com" });
    expect(second?.body.toString()).toBe(wanted);
    expect(second && valuesOf(second, "x-zoho-signature")).toEqual([
      createHmac("sha256", SECRET).update(wanted).digest("hex"),
    ]);
    expect(out).toContain("signed again over the changed body, with ZOHO_WEBHOOK_SECRET");
  });

  it("signs a changed body with the signature that it came with, whatever its envelope", async () => {
    const project = await start();
    const body = '{"event":"invoice_created","organization_id":"1","data":{"invoice_id":"276194000000041809"}}';
    const hmac = (text: string): string => createHmac("sha256", SECRET).update(text).digest("hex");
    await project.deliver("/webhooks/zoho/books", body, { ...JSON_TYPE, "x-zoho-webhook-signature": hmac(body) });
    await project.run(["replay", "1", "--set", "data.invoice_id=276194000000041810"]);
    const sent = project.app.seen.at(-1);
    expect(String(sent?.body)).toContain("041810");
    expect(sent && valuesOf(sent, "x-zoho-webhook-signature")).toEqual([hmac(String(sent?.body))]);
    expect(sent && valuesOf(sent, "x-zoho-signature")).toEqual([]);
  });

  it("notes that the old signature no longer matches when there is no secret", async () => {
    const project = await start({ env: {} });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { out } = await project.run(["replay", "1", "--set", "data.Email=new@example.com"]);
    expect(out).toContain("no longer matches the body");
  });

  it("rejects a path through a text, before anything is sent", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { exitCode, err } = await project.run(["replay", "1", "--set", "data.Email.x=1"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining('there is no "x" in the body')]);
    expect(project.app.seen).toHaveLength(1);
    expect((await project.run(["replay", "1", "--set", "data.New=1"])).exitCode).toBe(0);
    expect(String(project.app.seen[1]?.body)).toContain('"New":1');
  });

  it("warns of a member that --set adds, once", async () => {
    const project = await start();
    for (const email of ["a@example.com", "b@example.com"])
      await project.deliver("/webhooks/zoho/crm", leadBody({ email }));
    const argv = ["replay", "--product", "crm", "--set", "data.Email=new@example.com", "--set", "data.New=1"];
    const { err } = await project.run(argv);
    expect(project.app.seen).toHaveLength(4);
    expect(err.match(/added .*/g)).toEqual(["added data.New: the body had none"]);
  });

  it("shows what it would send with --dry-run, masked, and sends and records nothing", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const argv = ["replay", "1", "--set", "data.Email=new@example.com", "--dry-run"];
    const { exitCode, out, err } = await project.run(argv);
    expect(exitCode).toBe(0);
    expect(out).toContain("#1, not sent:");
    expect(out).toContain("new@example.com");
    expect(out).not.toContain(TOKEN);
    expect(out).not.toMatch(/content-length|connection:/i);
    expect(err).toContain("#1 signed again");
    const json = await project.run([...argv, "--json", "--show-secrets"]);
    expect(json.lines()[0]).toMatchObject({ type: "sent", n: 1, status: null, request: { method: "POST" } });
    expect(JSON.stringify(json.lines()[0])).toContain(TOKEN);
    expect(project.app.seen).toHaveLength(1);
    expect((await project.run(["events", "show", "1", "--json"])).lines()[0]?.attempts).toHaveLength(1);
  });

  it("shows each request, masked, with --verbose", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { out } = await project.run(["replay", "1", "--verbose"]);
    expect(out).toMatch(/^POST http.*\n(?:.+\n)*x-zoho-hooks-event: 1\n(?:.+\n)*\n\{.*\[masked\].*\n.* 200 #1 /m);
    expect(out).not.toContain(TOKEN);
    expect(project.app.seen).toHaveLength(2);
  });

  it("sends the stored request and nothing else with --exact", async () => {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const { out, exitCode } = await project.run(["replay", "1", "--exact"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("headers and bytes exactly as received");
    const [, second] = project.app.seen;
    expect(second && valuesOf(second, "x-zoho-hooks-event")).toEqual([]);
    expect(second && valuesOf(second, "x-forwarded-for")).toEqual([]);
    expect(second && valuesOf(second, "x-zoho-signature")).toEqual([signature(leadBody())["x-zoho-signature"]]);
    expect(second?.body.toString()).toBe(leadBody());
  });
});

describe.skipIf(lacks("posix"))("replay --edit", () => {
  /** A program that does this to the file that it is given, and leaves its mode and content behind. */
  function editor(script: string): { command: string; seen(): string; mode(): string; path(): string } {
    const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-editor-"));
    const file = join(folder, "my editor");
    writeFileSync(
      file,
      `#!/bin/sh\ncd ${JSON.stringify(folder)}\ncp "$2" seen\nls -l "$2" | cut -c1-10 > mode\necho "$2" > path\n${script}\n`,
    );
    chmodSync(file, 0o755);
    const read = (name: string): string => readFileSync(join(folder, name), "utf8");
    return {
      command: `'${file}' --wait`,
      seen: () => read("seen"),
      mode: () => read("mode").trim(),
      path: () => read("path").trim(),
    };
  }

  async function withLead(): Promise<LoggedProject> {
    const project = await start();
    await project.deliver("/webhooks/zoho/crm", leadBody());
    return project;
  }
  const env = (more: Record<string, string>) => ({ ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN, ...more });

  it("shows the body indented, sends what was changed the way it came, and removes the private file", async () => {
    const project = await withLead();
    const { command, seen, mode, path } = editor(`sed -i.bak 's/mei.tanaka@/edited@/' "$2" && rm -f "$2.bak"`);
    const { exitCode, out } = await project.run(["replay", "1", "--edit"], {
      env: env({ VISUAL: command, EDITOR: "no" }),
    });
    expect(exitCode).toBe(0);
    expect(seen()).toContain('    "Account_Number": 4150868000000002181,\n');
    expect(mode()).toBe("-rw-------");
    expect(existsSync(path())).toBe(false);
    const [, second] = project.app.seen;
    expect(second?.body.toString()).toBe(leadBody({ email: "edited@example.com" }));
    expect(second && valuesOf(second, "x-zoho-signature")).toEqual([
      signature(leadBody({ email: "edited@example.com" }))["x-zoho-signature"],
    ]);
    expect(out).toContain("signed again");
  });

  it("happens once, however many targets there are", async () => {
    const second = await another();
    const project = await start({ argv: ["--forward-to", `127.0.0.1:${second.port}`] });
    await project.listener.post("/webhooks/zoho/crm", leadBody(), { ...JSON_TYPE, ...signature(leadBody()) });
    await project.listener.line("forward", { n: 1, state: "delivered" }, 2);
    const calls = join(tempFolder(), "calls");
    const { command } = editor(`echo once >> '${calls}'; sed -i.bak 's/mei.tanaka@/edited@/' "$2"; rm -f "$2.bak"`);
    await project.run(["replay", "1", "--edit"], { env: env({ EDITOR: command }) });
    expect(readFileSync(calls, "utf8")).toBe("once\n");
    const edited = leadBody({ email: "edited@example.com" });
    expect([project.app, second].map(({ seen }) => seen[1]?.body.toString())).toEqual([edited, edited]);
  });

  it("preserves the sender's own layout", async () => {
    const project = await start();
    const body = `{\n\t"event": "Ticket.Create"\n}`;
    await project.deliver("/webhooks/zoho/desk", body);
    const { command } = editor(`sed -i.bak 's/Create/Close/' "$2"; echo >> "$2"; rm -f "$2.bak"`);
    await project.run(["replay", "1", "--edit"], { env: env({ EDITOR: command }) });
    expect(project.app.seen[1]?.body.toString()).toBe(`{\n\t"event": "Ticket.Close"\n}`);
  });

  it.each([
    ["that changes nothing", "true", "nothing was changed"],
    ["that empties the file", ': > "$2"', "the file was emptied"],
    ["that breaks the JSON", 'echo "{" > "$2"', "not valid JSON"],
    ["that fails", "exit 3", "ended with exit code 3"],
  ])("sends nothing after an editor %s, and reports it", async (_, script, said) => {
    const project = await withLead();
    const { command, path } = editor(script);
    const { exitCode, err } = await project.run(["replay", "1", "--edit"], { env: env({ EDITOR: command }) });
    expect(exitCode).toBe(2);
    expect(err).toContain(said);
    expect(project.app.seen).toHaveLength(1);
    expect(existsSync(path())).toBe(false);
  });

  it.each([
    [{ EDITOR: "/no/such/editor" }, "was not found"],
    [{ EDITOR: "rm" }, "the edited file cannot be read"],
    [{}, "neither VISUAL nor EDITOR is set"],
  ])("explains what is wrong with %j", async (variables, said) => {
    const project = await withLead();
    const { exitCode, err } = await project.run(["replay", "1", "--edit"], { env: env(variables) });
    expect(exitCode).toBe(2);
    expect(err).toContain(said);
  });

  it("lets the user fix invalid JSON without starting over", async () => {
    const project = await withLead();
    const { command } = editor(
      `if [ -e once ]; then sed -i.bak 's/BROKEN/"mended@example.com"/' "$2"; else sed -i.bak 's/"mei.tanaka@example.com"/BROKEN/' "$2"; touch once; fi; rm -f "$2.bak"`,
    );
    const asked: string[] = [];
    const prompts = answering({ "Edit again?": true }, asked);
    const { exitCode } = await project.run(["replay", "1", "--edit"], { env: env({ EDITOR: command }), prompts });
    expect(exitCode).toBe(0);
    expect(asked).toHaveLength(1);
    expect(project.app.seen[1]?.body.toString()).toBe(leadBody({ email: "mended@example.com" }));
  });
});

describe("replay refuses", () => {
  it.each([
    [[], "needs to know what to send"],
    [["1", "--only", "failed"], "cannot be combined"],
    [["1", "--since", "1h"], "cannot be combined"],
    [["1", "--exact", "--set", "a=1"], "--exact and --set"],
    [["1", "--exact", "--edit"], "--exact and --edit"],
    [["1", "--edit", "--set", "a=1"], "--edit and --set"],
    [["--only", "failed", "--edit"], "--edit changes one delivery"],
    [["1", "2", "--edit"], "--edit changes one delivery"],
    [["1..2", "--edit"], "--edit changes one delivery"],
    [["1..2", "--only", "failed"], "cannot be combined"],
    [["1", "12..7"], '"12..7" is an empty range\n  write the lower one first: 7..12'],
    [["1", "7-12"], '"7-12" is not a whole number\n  such as 42, 7..12 or last'],
    [["1", "--timeout", "0"], "--timeout"],
    [["yesterday"], '"yesterday" is a time, not an event\'s number\n  zoho-hooks replay --since yesterday'],
    [["2h"], "zoho-hooks replay --since 2h"],
    [["--from", "yesterday", "--until", "today"], "unknown option '--from'\n  did you mean --since yesterday?"],
    [["--from=yesterday"], "unknown option '--from'\n  did you mean --since yesterday?"],
    [
      ["one"],
      '"one" is not a whole number\n  such as 42, 7..12 or last; to send a file: zoho-hooks send crm --data @payload.json; to verify it: zoho-hooks verify',
    ],
    [["1"], "there is no event log"],
  ])("%j", async (argv, said) => {
    const { exitCode, err } = await run(["replay", ...argv], { cwd: tempFolder() });
    expect(exitCode).toBe(2);
    expect(err).toContain(said);
  });
});

describe("replay --only failed", () => {
  it("skips the apps that accepted a delivery which another one did not", async () => {
    const other = await startTarget((response) => void response.writeHead(500).end());
    closing.push(other);
    const project = await start({ argv: ["--forward-to", String(other.port), "--retries", "0"] });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    await project.listener.line("forward", { state: "failed" });
    await project.listener.line("forward", { state: "delivered" });
    const { out } = await project.run(["events", "list"]);
    expect(out).toContain(`→ failed after 1 attempt at http://localhost:${other.port}/webhooks/zoho/crm`);
    expect((await project.run(["replay", "--only", "failed"])).exitCode).toBe(5);
    expect([project.app.seen.length, other.seen.length]).toEqual([1, 2]);
  });

  it("sends a mirrored delivery again only to the app that refused it", async () => {
    const other = await startTarget();
    closing.push(other);
    const project = await start({
      argv: ["--respond", "mirror", "--forward-to", String(other.port)],
      answer: (response) => void response.writeHead(500).end(),
    });
    const body = leadBody();
    await project.listener.post("/webhooks/zoho/crm", body, { ...JSON_TYPE, ...signature(body) });
    await project.listener.line("forward", { state: "delivered" });
    expect((await project.run(["events", "list", "--only", "failed", "--json"])).lines()).toHaveLength(1);
    expect((await project.run(["replay", "--only", "failed"])).exitCode).toBe(5);
    expect([project.app.seen.length, other.seen.length]).toEqual([2, 1]);
  });

  it("finds what a mirrored app refused, until it accepts it", async () => {
    let status = 500;
    const project = await start({
      argv: ["--respond", "mirror"],
      answer: (response) => void response.writeHead(status).end(),
    });
    const body = leadBody();
    await project.listener.post("/webhooks/zoho/crm", body, { ...JSON_TYPE, ...signature(body) });
    const failed = async () =>
      (await project.run(["events", "list", "--only", "failed", "--json"])).lines().map(({ n }) => n);
    const stats = async () => (await project.run(["events", "stats", "--json"])).lines()[0];
    expect(await failed()).toEqual([1]);
    expect(await stats()).toMatchObject({ received: 1, failed: 1 });
    status = 200;
    expect((await project.run(["replay", "--only", "failed"])).exitCode).toBe(0);
    expect(await failed()).toEqual([]);
    expect(await stats()).toMatchObject({ received: 1, failed: 0 });
  });
});
