import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { newEntry } from "../support/log-entry.ts";
import {
  type LoggedProject,
  leadBody,
  signature,
  startLoggedProject,
  TOKEN,
  ticketBody,
} from "../support/logged-project.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget, valuesOf } from "../support/target.ts";

const FORM = "name=J%C3%BCrgen+M&JSONString=%7B%22a%22%3A1%7D";
const CONTROLS = "a\u009b\u202e\u2028b";
const BODY = '{"a":"\u2028"}';
const OBEYED = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
let project: LoggedProject;

/** A project whose log has control characters in it. */
async function projectWithControls(): Promise<string> {
  const cwd = tempFolder();
  const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
  await log.append(newEntry({ body: BODY, event: CONTROLS }));
  await log.close();
  return cwd;
}

beforeAll(async () => {
  project = await startLoggedProject();
  await project.deliver("/webhooks/zoho/crm?x=1", leadBody());
  await project.deliver("/webhooks/zoho/desk", ticketBody(`It's \\"quoted\\" $HOME \`id\``));
});
afterAll(() => project.stop());

describe("events export", () => {
  it("writes lines that verify accepts as genuine, oldest first", async () => {
    const { out, lines, err, exitCode } = await project.run(["events", "export", "--show-secrets"]);
    expect(exitCode).toBe(0);
    expect(err).toBe("");
    expect(lines().map(({ n }) => n)).toEqual([1, 2]);
    const verified = await project.run(["verify", "--json"], { stdin: out });
    expect(verified.exitCode).toBe(0);
    expect(verified.lines()[0]).toMatchObject({
      outcome: "valid",
      signatures: [{ result: "verified" }, { result: "verified" }],
    });
  });

  it.skipIf(process.platform === "win32")("writes through a pipe, and leaves it one", async () => {
    const pipe = join(tempFolder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    const { out } = await project.run(["events", "export"]);
    const buffer = Buffer.alloc(65_536);
    for (const argv of [
      ["events", "export", "--out", pipe],
      ["events", "export", "--out", pipe, "--force"],
    ]) {
      expect((await project.run(argv)).exitCode).toBe(0);
      expect(statSync(pipe).isFIFO()).toBe(true);
      expect(buffer.toString("utf8", 0, readSync(reader, buffer))).toBe(out);
    }
    closeSync(reader);
  });

  it("writes to standard output for -", async () => {
    const { out, exitCode } = await project.run(["events", "export", "--out", "-"]);
    expect(exitCode).toBe(0);
    expect(out).toBe((await project.run(["events", "export"])).out);
    expect(readdirSync(project.cwd)).not.toContain("-");
  });

  it("masks secrets by default, and notes that these cannot be verified", async () => {
    const { out, lines, err } = await project.run(["events", "export"]);
    const text = lines().map(({ body_b64 }) => Buffer.from(String(body_b64), "base64").toString());
    expect(out + text.join()).not.toContain(TOKEN);
    expect(err).toContain("secrets are masked in 2 of them");
  });

  it("writes masked lines that verify reports as not checkable, not as forged", async () => {
    const { out } = await project.run(["events", "export"]);
    const verified = await project.run(["verify", "--explain"], { stdin: out });
    expect(verified.exitCode).toBe(3);
    expect(verified.out).not.toMatch(/failed:|no common mistake/);
    expect(verified.out.match(/– guide-signature: not checked: secrets are masked/g)).toHaveLength(2);
    expect(verified.out).toContain("– token: not checked: secrets are masked in this payload");
    expect(verified.out).toMatch(/payloads: .*masked \(cannot be verified\)/);
    expect(verified.out).not.toContain("failed verification");
    expect(verified.out).toContain("export it with zoho-hooks events export --show-secrets");
    const unasked = await project.run(["verify"], { stdin: out, env: {} });
    expect(unasked.exitCode).toBe(6);
  });

  it("writes masked lines whose body verify can still prove where nothing in it was masked", async () => {
    const { lines } = await project.run(["events", "export", "--event", "Ticket.*"]);
    const [line] = lines();
    const body = Buffer.from(String(line?.body_b64), "base64");
    const header = Object.entries(signature(body)).flat().join(": ");
    const genuine = await project.run(["verify", "-H", header], { stdin: JSON.stringify(line) });
    expect(genuine.exitCode).toBe(0);
    const forged = await project.run(["verify", "-H", "x-zoho-signature: 00"], { stdin: JSON.stringify(line) });
    expect(forged.out).toContain("✗ wrong signature (guide-signature)");
  });

  it("is the same with --json", async () => {
    const plain = await project.run(["events", "export", "--show-secrets"]);
    const json = await project.run(["events", "export", "--show-secrets", "--json"]);
    expect(json.lines()).toEqual(plain.lines());
  });

  it("applies the filters", async () => {
    const { lines } = await project.run(["events", "export", "--event", "Ticket.*"]);
    expect(lines().map(({ n }) => n)).toEqual([2]);
    expect((await project.run(["events", "export", "--product", "books"])).err).toContain(
      "no delivery in the log matches",
    );
  });

  it("writes no curl command that reads a file which a header of an edited log names", async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    await log.append(
      newEntry({
        headers: [
          ["@secret", "file"],
          ["X-Own", "kept"],
        ],
      }),
    );
    await log.close();
    const { out } = await run(["events", "export", "--format", "curl", "--to", "3000"], { cwd, env: {} });
    expect(out).toContain("X-Own: kept");
    expect(out).not.toContain("@secret");
  });

  it.skipIf(process.platform === "win32")("writes curl commands that post the same bytes and headers", async () => {
    const app = await startTarget();
    try {
      const argv = ["events", "export", "--format", "curl", "--show-secrets", "--to", `127.0.0.1:${app.port}`];
      const { out } = await project.run(argv);
      expect(out).toMatch(/^# #1 .* crm Leads\.create\ncurl /);
      const script = join(project.cwd, "post.sh");
      writeFileSync(script, out.replaceAll("curl ", "curl -s "));
      // A child that is waited for would keep this process, and with it the app, from answering.
      await new Promise((resolve) => spawn("sh", [script], { stdio: "ignore" }).once("close", resolve));
      expect(app.seen.map(({ body }) => body.toString())).toEqual(project.app.seen.map(({ body }) => body.toString()));
      expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual(
        project.app.seen[0] && valuesOf(project.app.seen[0], "x-zoho-signature"),
      );
    } finally {
      await app.close();
    }
  });

  it.skipIf(process.platform === "win32")(
    "writes the bytes of a header that are no text as what they are",
    async () => {
      const own = await startLoggedProject();
      const app = await startTarget();
      try {
        const odd = "caf\u00e9 \u00c3\u00a9 \u009b31m 'it' $x";
        await own.deliver("/webhooks/zoho/crm?a='x'", leadBody(), { ...signature(leadBody()), "x-odd": odd });
        const argv = ["events", "export", "--format", "curl", "--show-secrets", "--to", `127.0.0.1:${app.port}`];
        const { out } = await own.run(argv);
        expect(out).not.toMatch(/[\u0080-\u009f]/);
        const script = join(own.cwd, "post.sh");
        writeFileSync(script, out);
        await new Promise((resolve) => spawn("sh", [script], { stdio: "ignore" }).once("close", resolve));
        expect(app.seen[0] && valuesOf(app.seen[0], "x-odd")).toEqual([odd]);
      } finally {
        await app.close();
        await own.stop();
      }
    },
  );

  it("lets curl post to the listen that runs in the project, and without one to its port in the settings", async () => {
    const { lines } = await project.run(["events", "export", "--format", "curl", "--json"]);
    expect(lines()[0]).toMatchObject({ type: "curl", n: 1 });
    expect(lines()[0]?.command).not.toMatch(/-H '?(host|content-length|connection):/i);
    expect(lines()[0]?.command).toContain(`'${project.listener.url}/webhooks/zoho/crm?x=1'`);
    const stopped = await startLoggedProject();
    await stopped.deliver("/webhooks/zoho/crm?x=1", leadBody(), signature(leadBody()));
    await stopped.stop();
    const later = await stopped.run(["events", "export", "--format", "curl", "--json"]);
    expect(later.lines()[0]?.command).toContain("'http://127.0.0.1:4460/webhooks/zoho/crm?x=1'");
  });

  it("lets curl post to no server that a sender has written into the request line", async () => {
    const own = await startLoggedProject();
    for (const path of ["http://stranger.test/webhooks/zoho/crm?x=1", "foo://stranger.test", "*"]) {
      const { hostname, port } = new URL(own.listener.url);
      const sent = request({ hostname, port, path, method: "POST" }).end();
      await once(sent, "response");
    }
    const { lines } = await own.run(["events", "export", "--format", "curl", "--json"]);
    const posted = lines().map(({ command }) => String(command).split(" ")[3]?.replaceAll("'", ""));
    const { url } = own.listener;
    expect(posted).toEqual([`${url}/webhooks/zoho/crm?x=1`, `${url}/`, `${url}/*`]);
    await own.stop();
  });

  it("lets curl post to another target with the query that came", async () => {
    for (const [to, url] of [
      ["3000", "http://localhost:3000/webhooks/zoho/crm?x=1"],
      ["https://app.example.com/hook?a=b", "https://app.example.com/hook?a=b&x=1"],
    ] as const) {
      const { lines } = await project.run(["events", "export", "--format", "curl", "--json", "--to", to]);
      expect(lines()[0]?.command).toContain(`'${url}'`);
    }
  });

  it("writes curl commands without control characters of a log", async () => {
    const cwd = await projectWithControls();
    const { out } = await run(["events", "export", "--format", "curl", "--to", "3000"], { cwd, env: {} });
    expect(out).not.toMatch(OBEYED);
    expect(out).toMatch(/^# #1 \S+ crm ab, with secrets masked\n/);
    expect(out).toContain("\\342\\200\\250");
  });

  it("writes a complete file, for its owner only, and overwrites none without --force", async () => {
    const argv = ["events", "export", "--out", "all.ndjson"];
    const { exitCode, out } = await project.run(argv);
    expect(exitCode).toBe(0);
    expect(out).toBe("2 deliveries written to all.ndjson\n");
    const path = join(project.cwd, "all.ndjson");
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(2);
    if (process.platform !== "win32") expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = await project.run([...argv, "--event", "Ticket.*"]);
    expect(again.exitCode).toBe(2);
    expect(again.err).toContain("--force");
    const forced = await project.run([...argv, "--event", "Ticket.*", "--force", "--json"]);
    expect(forced.lines()).toEqual([
      { v: 1, type: "exported", format: "ndjson", file: "all.ndjson", count: 1, masked: 1 },
    ]);
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(1);
    expect(readdirSync(project.cwd).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it.skipIf(process.platform === "win32")(
    "writes through a link outside the project, and never over a folder",
    async () => {
      const path = (name: string): string => join(elsewhere, name);
      const elsewhere = tempFolder();
      writeFileSync(path("real.ndjson"), "");
      symlinkSync("real.ndjson", path("link.ndjson"));
      expect((await project.run(["events", "export", "--out", path("link.ndjson"), "--force"])).exitCode).toBe(0);
      expect(lstatSync(path("link.ndjson")).isSymbolicLink()).toBe(true);
      expect(readFileSync(path("real.ndjson"), "utf8")).not.toBe("");
      symlinkSync("nowhere.ndjson", path("dangling.ndjson"));
      const dangling = await project.run(["events", "export", "--out", path("dangling.ndjson"), "--force"]);
      expect([dangling.exitCode, dangling.err]).toEqual([
        2,
        expect.stringContaining("nowhere.ndjson, which does not exist"),
      ]);
      expect(lstatSync(path("dangling.ndjson")).isSymbolicLink()).toBe(true);
      const { exitCode, err } = await project.run(["events", "export", "--out", ".", "--force"]);
      expect([exitCode, err]).toEqual([2, expect.stringContaining(". is a folder")]);
    },
  );

  it("leaves nothing behind when it is stopped", async () => {
    const { exitCode, err } = await project.run(["events", "export", "--out", "stopped.ndjson"], {
      signal: AbortSignal.abort("SIGTERM"),
    });
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringContaining("stopped by SIGTERM after 0") });
    expect(readdirSync(project.cwd).filter((name) => name.startsWith("stopped"))).toEqual([]);
  });

  it.each([
    [["--format", "xml"], "formats: ndjson, curl"],
    [["--to", "3000"], "--to is for --format curl"],
    [["--force"], "--force does nothing"],
    [["--out", "no/such/folder/x"], "cannot be written: there is no folder"],
  ])("refuses %j", async (flags, said) => {
    const { exitCode, err } = await project.run(["events", "export", ...flags]);
    expect(exitCode).toBe(2);
    expect(err).toContain(said);
  });
});

describe("events export of other bodies", () => {
  it("preserves the bytes of a form and of a binary body", async () => {
    const other = await startLoggedProject({ forward: false, env: {} });
    try {
      const bytes = Buffer.from([0xff, 0x00, 0x80]);
      await other.deliver("/webhooks/zoho/crm", FORM, { "content-type": "application/x-www-form-urlencoded" });
      await other.deliver("/webhooks/zoho/crm", bytes, { "content-type": "application/octet-stream" });
      const { lines } = await other.run(["events", "export"]);
      expect(lines().map(({ body_b64 }) => body_b64)).toEqual([
        Buffer.from(FORM).toString("base64"),
        bytes.toString("base64"),
      ]);
    } finally {
      await other.stop();
    }
  });
});
