import { existsSync, readFileSync, writeFileSync } from "node:fs";
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

describe.skipIf(lacks("tmux"))("the keys of listen", { timeout: 60_000 }, () => {
  it("select an event, show it, and print the list of keys", async () => {
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
    shell.press("Down", "Down", "Down");
    await shell.last(/^#3 · /);
    shell.press("Up");
    await shell.last(/^#2 · /);
    shell.type("?");
    await shell.shown(/\nkey\n↑ +select the previous event\n/);
    await shell.last(STATUS);
    expect(shell.text.match(/\? keys$/gm)).toHaveLength(1);
  });

  it("do nothing where they are others", async () => {
    const { shell, send } = await startListen();
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    const before = shell.text;
    for (const key of ["e", "x", "c", "y", "m", "f", "/", "1"]) shell.type(key);
    shell.type("?");
    await shell.shown(/^q, Ctrl-C /m);
    expect(shell.text.startsWith(before.slice(0, before.lastIndexOf("\n")))).toBe(true);
    expect(shell.text).not.toMatch(/error|search:|select #/);
  });

  it("replay an event, also one that was refused", async () => {
    const { shell, send, app } = await startListen();
    await send("crm", "Leads.create");
    await shell.last(/^#1 · .* app up/);
    shell.type("r");
    await shell.shown(/✓ 200 #1 /);
    await app.came(2);
    expect(app.seen[1]?.body.equals(app.seen[0]?.body ?? Buffer.alloc(0))).toBe(true);
    await send("crm", "Contacts.create", "--bad-signature");
    await shell.last(/^#2 ✗ · crm Contacts\.create · .* 1 rejected/);
    // It was never forwarded: the target is that of the flag.
    shell.type("r");
    await shell.shown(/✓ 200 #2 /);
    expect(app.seen).toHaveLength(3);
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
  });

  it("use the flags that listen was given", async () => {
    const cwd = tempFolder();
    const { shell, port } = await startListen("--store mine.db --show-secrets", { cwd });
    const send = ["send", "crm", "Leads.create", "--format", "guide", "--to", String(port)];
    await run(send, { env: SECRETS });
    await shell.last(/^#1 · .* app up/);
    shell.type("d");
    await shell.shown(/✓ verified \(guide-signature\)[\s\S]*^x-zoho-signature: [0-9a-f]{64}$/m);
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
