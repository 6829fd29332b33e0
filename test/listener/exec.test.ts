import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { folderWith } from "../support/files.ts";
import { app, lead, listen } from "../support/forward-run.ts";
import { run } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { startTestTunnel } from "../support/test-tunnel.ts";

/** A project with a program. It is in a file since shells quote differently. */
function project(program: string): { readonly cwd: string; readonly exec: readonly string[] } {
  return { cwd: folderWith({ "program.mjs": program }), exec: ["--exec", "node program.mjs"] };
}

// Windows finds no program without these.
const env = { PATH: process.env.PATH ?? "", SystemRoot: process.env.SystemRoot ?? "" };

describe("--exec", () => {
  it("names the public URL in no variable that a zoho-hooks in the program would read as the user's setting", async () => {
    const { cwd, exec } = project(`
      import { writeFileSync } from "node:fs";
      writeFileSync("seen.json", JSON.stringify([process.env.ZOHO_HOOKS_TUNNEL_URL, process.env.ZOHO_HOOKS_PUBLIC_URL]));
    `);
    writeFileSync(join(cwd, ".env"), "NGROK_AUTHTOKEN=of-a-stranger\n");
    const tunnel = await startTestTunnel();
    onTestFinished(() => tunnel.close());
    const options = { cwd, env, overrides: tunnel.overrides };
    expect((await run(["listen", "--port", "0", ...exec], options)).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(join(cwd, "seen.json"), "utf8"))).toEqual([tunnel.url, null]);
  });

  it("runs a program with the URLs in its environment, and exits with its exit code", async () => {
    const { cwd, exec } = project(`
      import { writeFileSync } from "node:fs";
      const ready = await fetch(process.env.ZOHO_HOOKS_URL + "/readyz");
      const answer = await fetch(process.env.ZOHO_HOOKS_URL_CRM, {
        method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(lead(1))} });
      const { ZOHO_HOOKS_URL, ZOHO_HOOKS_URL_CRM, ZOHO_HOOKS_TUNNEL_URL = "none" } = process.env;
      writeFileSync("seen.json", JSON.stringify([ready.status, answer.status, ZOHO_HOOKS_URL, ZOHO_HOOKS_URL_CRM, ZOHO_HOOKS_TUNNEL_URL]));
      console.log("on stdout"); console.error("on stderr");
      process.exit(41);
    `);
    const target = await app();
    const { exitCode, out, err } = await run(["listen", "--port", "0", "--forward-to", target.url, ...exec], {
      cwd,
      env,
    });
    expect(exitCode).toBe(41);
    const url = /Listening on (http:\/\/[^/\s]+)/.exec(err)?.[1];
    expect(JSON.parse(readFileSync(join(cwd, "seen.json"), "utf8"))).toEqual([
      200,
      200,
      url,
      `${url}/webhooks/zoho/crm`,
      "none",
    ]);
    expect(out).toContain("on stdout");
    expect(err).toContain("on stderr");
    expect(out).toContain("Leads.create");
    expect(target.seen).toHaveLength(1);
  });

  it("suggests a sample to send, but not beside a program or without a terminal", async () => {
    const stderrOf = async (argv: readonly string[], errTTY: boolean) =>
      (await run(["listen", "--port", "0", "--timeout", "1ms", "--no-store", ...argv], { env, errTTY })).err;
    expect(await stderrOf([], true)).toMatch(/try it .*zoho-hooks send crm Leads\.create/);
    for (const err of [await stderrOf([], false), await stderrOf(["--exec", "node --version"], true)]) {
      expect(err).toContain("Ready.");
      expect(err).not.toContain("try it");
    }
  });

  it("keeps stdout for JSON lines with --json", async () => {
    const { cwd, exec } = project(`console.log("on stdout");`);
    const { exitCode, out, err, lines } = await run(["listen", "--port", "0", "--json", ...exec], { cwd, env });
    expect(exitCode).toBe(0);
    expect(lines().map(({ type }) => type)).toEqual(["ready", "summary"]);
    expect(out).not.toContain("on stdout");
    expect(err).toContain("on stdout");
  });

  it("ends the program and its children on Ctrl-C", async () => {
    // The program's child holds a connection, which ends with it.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const { cwd, exec } = project(`
      import { spawn } from "node:child_process";
      const hold = "require('node:net').connect(${port}, '127.0.0.1').on('error', () => {})";
      spawn(process.execPath, ["-e", hold], { stdio: "ignore" });
      setInterval(() => {}, 1000);
    `);
    const connected = once(server, "connection");
    const listener = await listen(exec, { cwd, env });
    const [socket] = await connected;
    socket.on("error", () => {}).resume();
    const ended = once(socket, "close");
    expect((await listener.stop()).exitCode).not.toBe(0);
    await ended;
  });

  it("exits with 8 if the program exceeds --timeout, or an expected event is missing", async () => {
    const endless = project("setInterval(() => {}, 1000);");
    const late = await run(["listen", "--port", "0", "--timeout", "300ms", ...endless.exec], { cwd: endless.cwd, env });
    expect(late.exitCode).toBe(8);
    expect(late.err).toContain('--exec "node program.mjs" did not finish within 300ms');
    const idle = project("");
    const expecting = ["listen", "--port", "0", "--timeout", "2s", "--expect", "crm:Leads.create"];
    const missing = await run([...expecting, ...idle.exec], { cwd: idle.cwd, env });
    expect(missing.exitCode).toBe(8);
    expect(missing.err).toContain("has ended; waiting for crm:Leads.create (--timeout 2s)");
    expect(missing.err).not.toContain("did not finish");
  });

  it("waits for an expected event that arrives after the program has succeeded", async () => {
    const { cwd, exec } = project("");
    const stderr: string[] = [];
    const posted: Promise<Response>[] = [];
    const { exitCode } = await run(["listen", "--port", "0", "--expect", "crm:Leads.create", ...exec], {
      cwd,
      env,
      onErr(text) {
        stderr.push(text);
        if (!text.includes("has ended; waiting for crm:Leads.create (--timeout 60s)")) return;
        const [, url] = /Listening on (http:\/\/[^/\s]+)/.exec(stderr.join("")) ?? [];
        const headers = { "content-type": "application/json" };
        posted.push(fetch(`${url}/webhooks/zoho/crm`, { method: "POST", headers, body: lead(1) }));
      },
    });
    expect(posted).toHaveLength(1);
    expect(exitCode).toBe(0);
  });

  it("ends at once with the program's code if it fails, though an expected event is missing", async () => {
    const { cwd, exec } = project("process.exit(41);");
    const { exitCode, err } = await run(["listen", "--port", "0", "--expect", "crm:Leads.create", ...exec], {
      cwd,
      env,
    });
    expect(exitCode).toBe(41);
    expect(err).not.toContain("waiting for");
  });

  it("waits for the program even after all expected events have arrived", async () => {
    const { cwd, exec } = project(`
      await fetch(process.env.ZOHO_HOOKS_URL_CRM, {
        method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(lead(1))} });
      // A receiver that is stopping would not answer so often.
      for (let i = 0; i < 20; i++) await fetch(process.env.ZOHO_HOOKS_URL + "/healthz");
      console.log("to its end");
    `);
    const { exitCode, out } = await run(["listen", "--port", "0", "--expect", "crm:Leads.create", ...exec], {
      cwd,
      env,
    });
    expect(exitCode).toBe(0);
    expect(out).toContain("to its end");
  });

  /** Posts five events, one after the other. */
  const posting = `
    for (const body of ${JSON.stringify([1, 2, 3, 4, 5].map((i) => lead(i)))})
      await fetch(process.env.ZOHO_HOOKS_URL_CRM, {
        method: "POST", headers: { "content-type": "application/json" }, body });
  `;

  it("forwards everything that the program has posted before it exits", async () => {
    const { cwd, exec } = project(posting);
    let isEnding: () => void = () => {};
    const ending = new Promise<void>((resolve) => {
      isEnding = resolve;
    });
    const target = await app(async (response) => {
      await ending;
      response.end("OK");
    });
    const argv = ["listen", "--port", "0", "--forward-to", target.url, ...exec];
    const onErr = (text: string) => void (text.includes("stopping: finishing work in progress") && isEnding());
    const { exitCode, err } = await run(argv, { cwd, env: { ...env, ZOHO_HOOKS_CONCURRENCY: "1" }, onErr });
    expect(target.seen).toHaveLength(5);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: expect.stringContaining("5 delivered, 0 failed") });
  });

  it("exits with 5 if the app does not get everything", async () => {
    const { cwd, exec } = project(posting);
    const argv = ["listen", "--port", "0", "--forward-to", String(await freePort()), ...exec];
    const { exitCode, err } = await run([...argv, "--no-store"], { cwd, env });
    expect({ exitCode, err }).toEqual({
      exitCode: 5,
      err: expect.stringContaining("5 deliveries did not reach your app"),
    });
    // With a log they wait for the next listen, but this run's app did not take them.
    expect((await run(argv, { cwd, env })).exitCode).toBe(5);
  });

  it("exits with the shell's code for a missing program, and rejects an empty command", async () => {
    const cwd = folderWith({});
    const { exitCode } = await run(["listen", "--port", "0", "--exec", "no-such-program-anywhere"], { cwd, env });
    expect(exitCode).toBe(process.platform === "win32" ? 1 : 127);
    const empty = await run(["listen", "--port", "0", "--exec", " "], { cwd, env });
    expect([empty.exitCode, empty.err]).toEqual([2, expect.not.stringContaining("Ready")]);
  });
});
