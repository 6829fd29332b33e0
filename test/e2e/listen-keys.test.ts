import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { desktop } from "../support/desktop.ts";
import { startInspector, userEnv } from "../support/inspector.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { says, startTargetApp, type TargetApp, yes } from "../support/target-app.ts";
import { type ShellOptions, TerminalShell } from "../support/tmux.ts";

const SECRETS = { ZOHO_WEBHOOK_SECRET: "a-secret", ZOHO_WEBHOOK_TOKEN: "a-token" };
const STATUS = /\? keys$/;

interface Listening {
  readonly shell: TerminalShell;
  readonly port: number;
  readonly app: TargetApp;
  send(...words: readonly string[]): Promise<void>;
}

/** `listen` in a shell at a terminal, forwarding to an app. Afterwards the shell shows the exit code. */
async function startListen(flags = "", options: ShellOptions = {}): Promise<Listening> {
  const shell = new TerminalShell({ ...options, env: { ...SECRETS, ...options.env } });
  const [port, app] = [await freePort(), await startTargetApp()];
  shell.enter("stty -a > before; clear");
  shell.enter(`$Z listen ${app.port} --port ${port} ${flags}; echo "exit $?"; stty -a > after; echo done`);
  await shell.shown(/Ready\. Listening/);
  return {
    shell,
    port,
    app,
    // The guide's bodies are all signed, and have fields.
    async send(...words) {
      await run(["send", ...words, "--format", "guide", "--to", String(port)], { env: SECRETS });
    },
  };
}

/** The terminal is as it was before `listen`, and nothing is left of the last line. */
async function expectRestored(shell: TerminalShell): Promise<void> {
  await shell.shown(/^done$/m);
  const [before, after] = ["before", "after"].map((name) => readFileSync(join(shell.cwd, name), "utf8"));
  expect(after).toBe(before);
  expect(shell.text).not.toMatch(/\? keys$/m);
}

function script(text: string): string {
  const file = join(tempFolder(), "program");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe.skipIf(lacks("tmux"))("the keys of listen", { timeout: 60_000 }, () => {
  it("select an event, show it, and print a blank line and the list of keys", async () => {
    const { shell, send } = await startListen();
    await shell.last(/ 0 received · \? keys$/);
    expect(shell.text).toMatch(/^ {2}keys +press \? for the list$/m);
    shell.type("d");
    await shell.shown(/nothing has been received yet/);
    await send("crm", "Leads.create");
    await send("books", "invoice_created");
    await shell.last(/^#2 · books invoice_created · .* 2 received · app up · /);
    shell.press("Up");
    await shell.last(/^#1 · crm Leads\.create · /);
    shell.type("d");
    await shell.shown(/^x-zoho-signature: \[masked\]\n(.*\n)+.*"Last_Name": /m);
    expect(shell.text.match(/4876876\d{12}/)).not.toBeNull();
    await send("books", "invoice_created", "--quiet");
    await shell.shown(/ #3 /);
    await shell.last(/^#1 · /);
    shell.type("jjj");
    await shell.last(/^#3 · /);
    shell.type("k");
    await shell.last(/^#2 · /);
    shell.press("Enter", "Enter");
    shell.type("?");
    await shell.shown(/\n\n\nkey\n↑ k +select the previous event\n/);
    await shell.last(STATUS);
    expect(shell.text.match(/\? keys$/gm)).toHaveLength(1);
  });

  it("mark the line of an event that is selected by an arrow or its number, in the place of the one before", async () => {
    const { shell, send } = await startListen();
    for (const event of ["Leads.create", "Contacts.create", "Deals.create"]) await send("crm", event);
    await shell.last(/^#3 · .* 3 received · app up/);
    shell.press("Up");
    await shell.shown(/^\S+ ▸#2 +crm +Contacts\.create .*→ delivered\n#2 · /m);
    shell.type("k");
    await shell.shown(/^\S+ ▸#1 +crm +Leads\.create .*→ delivered\n#1 · /m);
    expect(shell.text.match(/▸/g)).toHaveLength(1);
    await send("crm", "Leads.update");
    await shell.shown(/^\S+ ▸#1 .*\n.* #4 /m);
    shell.type("3");
    await shell.last(/^select #3$/);
    shell.press("Enter");
    await shell.shown(/^\S+ ▸#3 +crm +Deals\.create .*\n#3 · /m);
    expect(shell.text.match(/▸/g)).toHaveLength(2);
    shell.resize(60);
    await shell.last(/^#3 · /);
    shell.type("kk");
    await shell.shown(/^\S+ ▸#1 .*\n#1 · /m);
    shell.enter("99");
    await shell.shown(/^error: there is no event #99 in /m);
    shell.enter("2q");
    await shell.shown(/^error: the event's number: "2q" is not a whole number/m);
    await shell.last(/^#1 · /);
    shell.type("1");
    shell.press("Escape");
    await shell.last(/^#1 · /);
  });

  it("copy with secrets masked only with a word about it", async () => {
    const { shell, send } = await startListen();
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("c");
    await shell.shown(
      /^its secrets are masked, so it would be rejected: send it with r, or use listen --show-secrets$/m,
    );
    expect(shell.text).toContain("x-zoho-signature: [masked]");
  });

  it("replay an event, and explain why a signature is wrong", async () => {
    const { shell, send, app } = await startListen();
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("r");
    await shell.shown(/✓ 200 #1 /);
    await app.came(2);
    expect(app.seen[1]?.body.equals(app.seen[0]?.body ?? Buffer.alloc(0))).toBe(true);
    await send("crm", "Contacts.create", "--bad-signature");
    await shell.last(/^#2 ✗ · crm Contacts\.create · .* 1 rejected/);
    shell.type("x");
    await shell.shown(/✗ #2: (.*\n)+.*→ /);
    // It was never forwarded: the target is that of the flag.
    shell.type("r");
    await shell.shown(/✓ 200 #2 /);
    expect(app.seen).toHaveLength(3);
  });

  it("hand the terminal to the editor, and show afterwards what came meanwhile", async () => {
    const EDITOR = script('echo editor ready; read name; sed -i "s/\\"Last_Name\\": \\"[^\\"]*/&$name/" "$1"');
    const { shell, send, app } = await startListen("", { env: { EDITOR } });
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("e");
    await shell.last(/^editor ready$/);
    await send("crm", "Contacts.create");
    await app.came(2);
    shell.enter("qqq");
    await shell.shown(/signed again over the changed body[\s\S]* #2 /);
    expect(shell.text).toMatch(/^editor ready\nqqq\n/m);
    expect(app.seen[2]?.body.toString()).toMatch(/"Last_Name":"[^"]+qqq"/);
    shell.type("?");
    await shell.shown(/^q, Ctrl-C /m);
    await shell.last(STATUS);
  });

  it("show an editor that fails as an error, and go on", async () => {
    const { shell, send } = await startListen("", { env: { EDITOR: "false" } });
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("e");
    await shell.shown(/^error: the editor false ended with exit code 1: nothing was sent/m);
    await shell.last(STATUS);
  });

  it("copy an event as curl and its body, and print them where there is no clipboard", async () => {
    const { path, seen } = desktop("wl-copy");
    const { shell, send, port } = await startListen("--show-secrets", { env: { PATH: `${path}:${process.env.PATH}` } });
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("c");
    await shell.shown(/^copied to the clipboard: #1 as a curl command$/m);
    expect(readFileSync(seen, "utf8")).toContain(`\ncurl -X POST http://127.0.0.1:${port}/webhooks/zoho/crm`);
    shell.type("y");
    await shell.shown(/^copied to the clipboard: the body of #1$/m);
    expect(readFileSync(seen, "utf8")).toMatch(/^ *\{"module":"Leads",.*"token":"a-token".*\}$/);
    writeFileSync(join(path, "wl-copy"), "#!/bin/sh\nexit 1\n");
    shell.type("y");
    await shell.shown(/^\{"module":"Leads",/m);
  });

  it("open the inspector without its token in a command line, and end it with listen", async () => {
    const { path, seen } = desktop("xdg-open");
    const { shell, send } = await startListen("", { env: { PATH: `${path}:${process.env.PATH}` } });
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("o");
    await shell.shown(/^inspector: http:\/\/127\.0\.0\.1:\d+\/#\S+$/m);
    const [, origin = "", token] = /inspector: (\S+)\/#(\S+)/.exec(shell.text) ?? [];
    const ask = () => fetch(`${origin}/api/events`, { headers: { authorization: `Bearer ${token}` } });
    expect(await (await ask()).json()).toMatchObject({ events: [{ n: 1, event: "Leads.create" }] });
    await expect.poll(() => existsSync(seen)).toBe(true);
    const opened = readFileSync(seen, "utf8");
    expect([opened.includes(token ?? ""), opened]).toEqual([false, expect.stringMatching(/^http:\S+\/open\/\d+-\S+/)]);
    shell.type("q");
    await expectRestored(shell);
    // Another inspector may have its port by now, and knows another token.
    const afterwards = await ask().then(
      ({ status }) => status,
      () => "closed",
    );
    expect(afterwards).not.toBe(200);
  });

  it("mark an event and compare it with another", async () => {
    const { shell, send } = await startListen();
    await send("crm", "Leads.create");
    await send("crm", "Leads.create", "--set", "data.Last_Name=Other");
    await shell.last(/^#2 · .* app up/);
    shell.type("mk");
    await shell.last(/^#1 · .* #2 marked/);
    shell.type("m");
    await shell.shown(/^#2 crm Leads\.create {2}and {2}#1 crm Leads\.create$[\s\S]*^~ +data\.Last_Name +"Other" /m);
    expect(await shell.last(STATUS)).not.toContain("marked");
  });

  it("show only what failed or was rejected", async () => {
    const { shell, send } = await startListen();
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("f");
    await shell.last(/failed and rejected only/);
    expect(shell.lastLine).not.toContain("#1");
    await send("crm", "Contacts.create");
    await send("crm", "Leads.create", "--bad-signature");
    await send("crm", "Deals.create");
    await shell.last(/^#3 ✗ · .* 4 received · 1 rejected/);
    expect(shell.text).toMatch(/ #3 /);
    expect(shell.text).not.toMatch(/ #[24] /);
    shell.type("kkkf");
    await shell.last(/^#4 · /);
  });

  it("count no longer as failed what r, another process or the inspector has replayed", async () => {
    const { shell, send, app } = await startListen("--retries 0");
    app.answer(says(500));
    for (const event of ["Leads.create", "Contacts.create", "Deals.create"]) await send("crm", event);
    await shell.last(/^#3 ✗ · .* 3 received · 3 failed · /);
    app.answer(yes);
    shell.type("r");
    await shell.last(/^#3 · .* 3 received · 2 failed · /);
    expect((await run(["replay", "1"], { cwd: shell.cwd, env: SECRETS })).exitCode).toBe(0);
    await shell.last(/ 3 received · 1 failed · /);
    const inspector = await startInspector(["--port", "0"], { cwd: shell.cwd, env: { ...SECRETS, ...userEnv() } });
    expect((await inspector.post("/api/replay", { n: 2 })).json()).toMatchObject({ ok: true });
    await shell.last(/ 3 received · app up/);
  });

  it("pause the output, never the receiving", async () => {
    const { shell, send, app } = await startListen();
    shell.type("p");
    await shell.last(/^paused, 0 new · /);
    await send("crm", "Leads.create");
    await app.came(1);
    await shell.last(/^paused, [12] new · #1 · .* app up/);
    expect(shell.text).not.toMatch(/\d #1 /);
    shell.type("p");
    await shell.shown(/\d #1 +crm [\s\S]*→ 200/);
    expect(await shell.last(STATUS)).not.toContain("paused");
    shell.press("C-s");
    await shell.last(/^paused, 0 new/);
    shell.press("C-q");
    await shell.last(/^#1 · /);
  });

  it("search the log in another process, and choose what was found", async () => {
    const { shell, send } = await startListen();
    await send("crm", "Leads.create", "--set", "data.Last_Name=Wanted");
    await send("crm", "Contacts.create");
    await shell.last(/^#2 · .* app up/);
    shell.type("/");
    await shell.last(/^search:$/);
    shell.type("no!");
    await shell.last(/^search: no!$/);
    shell.press("C-c");
    await shell.last(STATUS);
    // On its own: many keys at once are taken for a pasted text.
    shell.type("/");
    await shell.last(/^search:$/);
    shell.type("Wax");
    shell.press("BSpace");
    shell.enter("nted");
    await shell.shown(/^1 with "Wanted"$/m);
    await shell.last(/^#1 · crm Leads\.create/);
    expect(shell.text.match(/ #1 +crm /g)).toHaveLength(2);
  });

  it("take only the first line of a text that is pasted into a search", async () => {
    const { shell } = await startListen();
    await shell.last(STATUS);
    shell.type("/");
    await shell.last(/^search:$/);
    shell.type("Wanted\nquick\nq");
    await shell.shown(/^0 with "Wanted"$/m);
    await shell.last(STATUS);
  });

  it("use the flags that listen was given", async () => {
    const cwd = tempFolder();
    const { shell, port } = await startListen("--store mine.db --show-secrets", { cwd });
    const send = ["send", "crm", "Leads.create", "--format", "guide", "--to", String(port)];
    await run(send, { env: SECRETS });
    await shell.last(/^#1 · .* app up/);
    shell.type("xd");
    await shell.shown(/✓ #1: [\s\S]*✓ verified \(guide-signature\)[\s\S]*^x-zoho-signature: [0-9a-f]{64}$/m);
  });

  it("say so where they need the log and there is none", async () => {
    const shell = new TerminalShell();
    shell.enter("$Z listen --port 0 --no-store");
    await shell.last(STATUS);
    shell.type("d");
    await shell.shown(/^this needs the event log, and this run has none/m);
  });

  it("fit into 60 columns, and follow the window when it is resized", async () => {
    const { shell, send } = await startListen("", { columns: 60 });
    await send("crm", "Leads.create", "--bad-signature");
    const narrow = await shell.last(/^#1 ✗ · .* 1 received · 1 rejected/);
    expect(narrow.length).toBeLessThan(60);
    shell.resize(120);
    await shell.last(/^#1 ✗ · crm Leads\.create · http:.* · \? keys$/);
    shell.resize(40);
    const narrowest = await shell.last(/^#1 ✗ · .{0,37}$/);
    expect(narrowest.length).toBeLessThan(40);
    shell.resize(100);
    await shell.last(/^#1 ✗ · crm Leads\.create · http:/);
    expect(shell.text.match(/ 1 received/g)).toHaveLength(1);
  });

  it("give the terminal to the shell on Ctrl-Z, and take it back on fg", async () => {
    // Bash would set the mode itself.
    const { shell, send } = await startListen("", { shell: ["sh", "-i"] });
    await shell.last(STATUS);
    shell.press("C-z");
    await shell.shown(/Stopped/);
    shell.enter("stty -a > stopped; cmp before stopped && echo as before; fg > /dev/null");
    await shell.shown(/^as before$/m);
    await shell.last(STATUS);
    await send("crm", "Leads.create");
    await shell.last(/^#1 · /);
    shell.type("?");
    await shell.shown(/^q, Ctrl-C /m);
    shell.type("q");
    await shell.shown(/Summary after/);
  });

  it("leave the terminal to the shell while listen is in the background or stopped", async () => {
    const shell = new TerminalShell();
    shell.enter("set -b; $Z listen --port 0 &");
    await shell.shown(/Ready\. Listening/);
    shell.enter("jobs; echo typed");
    await shell.shown(/Running .*\n(.*\n)*typed/);
    expect(shell.text).not.toMatch(STATUS);
    shell.enter("fg");
    await shell.last(STATUS);
    process.kill(shell.child(), "SIGSTOP");
    await shell.shown(/Stopped/);
    shell.enter("fg > /dev/null");
    await shell.last(STATUS);
    shell.type("q");
    await shell.shown(/Summary after/);
  });

  it.each([
    ["q", (shell: TerminalShell) => shell.type("q"), 0],
    ["Ctrl-C", (shell: TerminalShell) => shell.press("C-c"), 0],
    ["SIGTERM", (shell: TerminalShell) => process.kill(shell.child(), "SIGTERM"), 0],
    ["SIGHUP", (shell: TerminalShell) => process.kill(shell.child(), "SIGHUP"), 0],
    ["a bug", (shell: TerminalShell) => process.kill(shell.child(), "SIGUSR2"), 1],
  ])("leave the terminal as it was after %s", async (_, end, code) => {
    const preload = join(tempFolder(), "bug.cjs");
    writeFileSync(preload, "process.on('SIGUSR2', () => { throw new Error('a bug'); });");
    const { shell } = await startListen("", { env: { NODE_OPTIONS: `--require=${preload}` } });
    await shell.last(STATUS);
    end(shell);
    await shell.shown(new RegExp(`^exit ${code}$`, "m"));
    await expectRestored(shell);
  });

  it("end at once on a second Ctrl-C, with the terminal as it was", async () => {
    const { shell, port, send } = await startListen();
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    const head = ["POST /webhooks/zoho/crm HTTP/1.1", "host: x", "content-type: application/json", "content-length: 9"];
    // A delivery that is under way keeps the run from ending.
    await new Promise((resolve) => socket.write(`${head.join("\r\n")}\r\n\r\n{`, resolve));
    await send("crm", "Leads.create");
    await shell.last(/^#1 · /);
    shell.press("C-c");
    await shell.shown(/press Ctrl-C again to stop at once/);
    shell.press("C-c");
    await shell.shown(/exit 130$/m);
    await expectRestored(shell);
  });

  it.each([
    ["TERM=dumb", "$Z listen --port 0", { TERM: "dumb" }],
    ["CI=1", "$Z listen --port 0", { CI: "1" }],
    ["--no-keys", "$Z listen --port 0 --no-keys", {}],
    ["--quiet", "$Z listen --port 0 --quiet", {}],
    ["a pipe behind", "$Z listen --port 0 | cat", {}],
    ["no input", "$Z listen --port 0 < /dev/null", {}],
    ["--exec", "$Z listen --port 0 --exec 'sleep 100'", {}],
  ])("are off with %s", async (_, command, env) => {
    const shell = new TerminalShell({ env });
    shell.enter(command);
    const ready = /:(\d+)\/webhooks/;
    const [, port = ""] = ready.exec(await shell.shown(ready)) ?? [];
    await run(["send", "crm", "No.such", "--to", port]);
    await run(["send", "sign", "RequestCompleted", "--set", "requests=1", "--to", port]);
    // Ctrl-C ends the pipe's reader, too.
    await shell.shown(/expected an object/);
    shell.press("C-c");
    const text = await shell.shown(/Summary after/);
    expect(text).not.toMatch(/ \? |\d received ·/);
  });
});
