import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import { createInspector } from "../../src/commands/listen/index.ts";
import type { Plan } from "../../src/listener/plan.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { desktop } from "../support/desktop.ts";
import { folderWith } from "../support/files.ts";
import { connect, startInspector, userEnv } from "../support/inspector.ts";
import { startListener } from "../support/listener.ts";
import { newEntry } from "../support/log-entry.ts";
import { leadBody, signature } from "../support/logged-project.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

async function busyPort(): Promise<number> {
  const server = createServer((_, response) => void response.end("another program")).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function apiOf({ port, token }: { readonly port: number; readonly token: string }) {
  return { url: `http://127.0.0.1:${port}/v1`, token };
}

describe("zoho-hooks ui", () => {
  it("prints its address, in JSON too, and ends in order", async () => {
    const inspector = await startInspector(["--json", "--port", "0"], { cwd: tempFolder(), env: userEnv() });
    const { exitCode, lines } = await inspector.stop();
    expect(exitCode).toBe(0);
    expect(lines()).toEqual([
      { v: 1, type: "inspector", url: inspector.address, api: apiOf(inspector), already_running: false },
    ]);
  });

  it("prints the address of the one that runs", async () => {
    const [cwd, env] = [tempFolder(), userEnv()];
    const first = await startInspector([], { cwd, env });
    const { exitCode, lines, err } = await run(["ui", "--json", "--show-secrets"], { cwd, env });
    expect(exitCode).toBe(0);
    expect(lines()).toMatchObject([{ url: first.address, already_running: true }, { type: "warning" }]);
    expect(err).toBe("");
  });

  it("has the same address again, unless its port is taken: then another port and another token", async () => {
    const [cwd, env] = [tempFolder(), userEnv()];
    const first = await startInspector(["--port", String(await freePort())], { cwd, env });
    await first.stop();
    const second = await startInspector([], { cwd, env });
    expect(second.address).toBe(first.address);
    await second.stop();
    const other = createServer().listen(first.port, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const third = await startInspector([], { cwd, env });
    expect(third.port).not.toBe(first.port);
    expect(third.token).not.toBe(first.token);
  });

  it.skipIf(lacks("linux"))("opens the browser without its token in a command line, and once", async () => {
    const { path, seen } = desktop("xdg-open");
    const env = { ...userEnv(), PATH: path };
    const { token, raw, port } = await startInspector(["--open"], { cwd: tempFolder(), env });
    await vi.waitFor(() => expect(existsSync(seen)).toBe(true));
    const opened = readFileSync(seen, "utf8").trim();
    expect(opened).not.toContain(token);
    const { origin, pathname } = new URL(opened);
    expect(origin).toBe(`http://127.0.0.1:${port}`);
    const forged = pathname.replace(/\d{13}/, (until) => String(Number(until) + 1));
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await raw(pathname, { headers })).status).toBe(403);
    expect(await raw(pathname)).toMatchObject({ status: 302, headers: { location: `/#${token}` } });
    for (const again of [pathname, forged]) expect(await raw(again)).toMatchObject({ status: 404 });
  });

  it.skipIf(lacks("linux")).each([
    ["there is no program for it", undefined],
    ["it fails", "exit 3"],
  ])("warns that the browser could not be opened if %s", async (_, script) => {
    const path = tempFolder();
    if (script !== undefined) writeFileSync(join(path, "xdg-open"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    let err = "";
    const onErr = (text: string): void => {
      err += text;
    };
    await startInspector(["--open"], { cwd: tempFolder(), env: { ...userEnv(), PATH: path }, onErr });
    await vi.waitFor(() => expect(err).toContain("could not be opened in the browser"));
  });

  it("has an address of its own for each project", async () => {
    const env = userEnv();
    const first = await startInspector([], { cwd: tempFolder(), env });
    const second = await startInspector([], { cwd: tempFolder(), env });
    expect(second.port).not.toBe(first.port);
    const headers = { authorization: `Bearer ${first.token}` };
    expect((await second.raw("/api/state", { headers })).status).toBe(401);
  });

  it("fails for a port of the user's that is taken", async () => {
    const { exitCode, err } = await run(["ui", "--port", String(await busyPort())], {
      cwd: tempFolder(),
      env: userEnv(),
    });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("is in use by another program")]);
  });

  it("says that a page that is not built is to be built", async () => {
    const { raw } = await startInspector([], { cwd: tempFolder(), env: userEnv() });
    const { status, headers } = await raw("/app.js");
    expect([status, headers["content-type"]]).toEqual([200, expect.stringMatching(/^text\//)]);
  });

  it("refuses the flag of listen's own", async () => {
    expect((await run(["ui", "--for-listen"])).exitCode).toBe(2);
  });

  it("reads a log that it could not open before, and warns of it once", async () => {
    const cwd = tempFolder();
    const path = join(cwd, ".zoho-hooks/events.db");
    let err = "";
    const onErr = (text: string): void => {
      err += text;
    };
    const { get, stream } = await startInspector([], { cwd, env: userEnv(), onErr });
    const watcher = await stream();
    await watcher.until(({ name }) => name === "state");
    mkdirSync(join(cwd, ".zoho-hooks"));
    writeFileSync(path, "no event log");
    await vi.waitFor(() => expect(err).toContain("the inspector: "));
    expect((await get("/api/events")).status).toBe(422);
    // Several times of POLL_INTERVAL_MS.
    await delay(700);
    rmSync(path);
    const log = await openLog({ path, now: () => new Date() });
    onTestFinished(() => log.close());
    await log.append(newEntry());
    expect((await get("/api/events")).json()).toMatchObject({ events: [{ n: 1 }] });
    expect(err.match(/the inspector: /g)).toHaveLength(1);
  });

  it("asks no other log who receives, once the settings name one", async () => {
    const cwd = tempFolder();
    const { get } = await startInspector([], { cwd, env: userEnv() });
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(cwd, ".env"), `ZOHO_HOOKS_STORE=postgres://127.0.0.1:${port}/hooks\n`);
    expect((await get("/api/state")).json()).toMatchObject({ receiver: null });
    expect(connections).toBe(0);
  });

  it("refuses a project without an event log", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "zoho-hooks.config.json"), '{"store":false}');
    const { exitCode, err } = await run(["ui"], { cwd, env: userEnv() });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("there is no event log to show")]);
  });
});

describe("listen --ui", () => {
  it("gives the inspector its flags, and takes it with it", async () => {
    const cwd = tempFolder();
    const env = { ...userEnv(), ZOHO_WEBHOOK_SECRET_FILE: "secret.txt" };
    writeFileSync(join(cwd, "secret.txt"), "from-a-file");
    const flags = ["--ui", "--store", "own.db", "--forward-to", "1/hook", "--retries", "0"];
    const listener = await startListener(flags, { cwd, env });
    const [ready] = listener.lines();
    const inspector = connect(String(ready?.inspector_url));
    expect(ready?.api).toEqual(apiOf(inspector));
    expect((await inspector.get("/api/state")).json()).toMatchObject({
      receiver: { url: listener.url },
      targets: ["1/hook"],
      show_secrets: false,
    });
    const body = leadBody();
    await listener.post("/webhooks/zoho/crm", body, {
      "content-type": "application/json",
      ...signature(body, "from-a-file"),
    });
    await listener.event(1);
    expect((await inspector.post("/api/explain", { n: 1 })).text).toContain("signed with ZOHO_WEBHOOK_SECRET_FILE");
    await listener.stop();
    await expect(inspector.get("/api/state")).rejects.toThrow("ECONNREFUSED");
  });

  it("shows its address in the ready block", async () => {
    const interrupt = new AbortController();
    let err = "";
    const { exitCode } = await run(["listen", "--port", "0", "--ui"], {
      env: userEnv(),
      signal: interrupt.signal,
      onErr(text) {
        err += text;
        if (err.includes("inspector ")) interrupt.abort();
      },
    });
    expect(exitCode).toBe(0);
    expect(err).toMatch(/\n {2}inspector {4}http:\/\/127\.0\.0\.1:\d+\/#[\w-]{22}\n/);
  });

  it("starts one of its own once that of another process has ended", async () => {
    const answers = [true, false].map((isOther, i) => ({ type: "ready", address: `http://127.0.0.1:${i}/`, isOther }));
    let started = 0;
    const startSelf = () => ({
      send() {},
      onMessage: (callback: (message: unknown) => void) => callback(answers[started++]),
      end() {},
      ended: new Promise(() => {}),
    });
    const context = { startSelf, signal: new AbortController().signal } as unknown as CommandContext;
    const plan = { config: { settings: { store: "events.db" } }, flags: {}, options: {}, givenSecrets: {} };
    const { start } = createInspector(context, plan as unknown as Plan);
    const addresses = [await start(), await start(), await start()];
    expect(addresses).toEqual(["http://127.0.0.1:0/", "http://127.0.0.1:1/", "http://127.0.0.1:1/"]);
  });

  it("goes on without an inspector that cannot be started", async () => {
    const cwd = tempFolder();
    const env = { XDG_CONFIG_HOME: "/proc/nowhere" };
    const listener = await startListener(["--ui"], { cwd, env });
    const [warning, ready] = listener.lines().filter(({ type }) => type === "warning" || type === "ready");
    expect(warning).toMatchObject({ message: expect.stringMatching(/^the inspector could not be started: /) });
    expect(ready).toMatchObject({ inspector_url: null, api: null });
    await listener.stop();
  });

  it("gives a program of --exec the address and the token of its API", async () => {
    const cwd = folderWith({
      "program.mjs": `
      const { ZOHO_HOOKS_API_URL: url, ZOHO_HOOKS_API_TOKEN: token } = process.env;
      const answer = await fetch(url + "/events", { headers: { authorization: "Bearer " + token } });
      const { ok, lines } = await answer.json();
      process.exit(ok && lines.length === 0 ? 41 : 1);`,
    });
    const env = { ...userEnv(), PATH: process.env.PATH ?? "", SystemRoot: process.env.SystemRoot ?? "" };
    const argv = ["listen", "--port", "0", "--ui", "--exec", "node program.mjs"];
    expect((await run(argv, { cwd, env })).exitCode).toBe(41);
    const without = "process.exit(process.env.ZOHO_HOOKS_API_TOKEN === undefined ? 42 : 1);";
    writeFileSync(join(cwd, "program.mjs"), without);
    expect((await run(["listen", "--port", "0", "--exec", "node program.mjs"], { cwd, env })).exitCode).toBe(42);
  });

  it("is refused where there is no log to show", async () => {
    const { exitCode, err } = await run(["listen", "--ui", "--no-store"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("this run has none")]);
  });

  it("has no inspector_url without --ui", async () => {
    const listener = await startListener();
    expect(listener.lines()[0]).toMatchObject({ type: "ready", inspector_url: null });
    await listener.stop();
  });
});
