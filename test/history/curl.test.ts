import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
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
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget, valuesOf } from "../support/target.ts";

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

describe("events show --curl", () => {
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
    const { out } = await run(["events", "show", "1", "--curl"], { cwd, env: {} });
    expect(out).toContain("X-Own: kept");
    expect(out).not.toContain("@secret");
  });

  it.skipIf(lacks("posix"))("writes curl commands that post the same bytes and headers", async () => {
    const app = await startTarget();
    try {
      const { out } = await project.run(["events", "show", "1", "--curl", "--show-secrets"]);
      expect(out).toMatch(/^# #1 .* crm Leads\.create\ncurl /);
      const script = join(project.cwd, "post.sh");
      writeFileSync(script, out.replace("curl ", "curl -s ").replace(project.listener.url, app.url));
      // A child that is waited for would keep this process, and with it the app, from answering.
      await new Promise((resolve) => spawn("sh", [script], { stdio: "ignore" }).once("close", resolve));
      expect(app.seen.map(({ body }) => body.toString())).toEqual([leadBody()]);
      expect(app.seen[0] && valuesOf(app.seen[0], "x-zoho-signature")).toEqual(
        project.app.seen[0] && valuesOf(project.app.seen[0], "x-zoho-signature"),
      );
    } finally {
      await app.close();
    }
  });

  it.skipIf(lacks("posix"))("writes the bytes of a header that are no text as what they are", async () => {
    const own = await startLoggedProject();
    const app = await startTarget();
    try {
      const odd = "caf\u00e9 \u00c3\u00a9 \u009b31m 'it' $x";
      await own.deliver("/webhooks/zoho/crm?a='x'", leadBody(), { ...signature(leadBody()), "x-odd": odd });
      const { out } = await own.run(["events", "show", "1", "--curl", "--show-secrets"]);
      expect(out).not.toMatch(/[\u0080-\u009f]/);
      const script = join(own.cwd, "post.sh");
      writeFileSync(script, out.replace(own.listener.url, app.url));
      await new Promise((resolve) => spawn("sh", [script], { stdio: "ignore" }).once("close", resolve));
      expect(app.seen[0] && valuesOf(app.seen[0], "x-odd")).toEqual([odd]);
    } finally {
      await app.close();
      await own.stop();
    }
  });

  it("says that masked secrets cannot be verified", async () => {
    const { out, err } = await project.run(["events", "show", "1", "--curl"]);
    expect(out).not.toContain(TOKEN);
    expect(err).toContain("secrets are masked");
  });

  it("lets curl post to the listen that runs in the project, and without one to its port in the settings", async () => {
    const { lines } = await project.run(["events", "show", "1", "--curl", "--json"]);
    expect(lines()[0]).toMatchObject({ type: "curl", n: 1 });
    expect(lines()[0]?.command).not.toMatch(/-H '?(host|content-length|connection):/i);
    expect(lines()[0]?.command).toContain(`'${project.listener.url}/webhooks/zoho/crm?x=1'`);
    const stopped = await startLoggedProject();
    await stopped.deliver("/webhooks/zoho/crm?x=1", leadBody(), signature(leadBody()));
    await stopped.stop();
    const later = await stopped.run(["events", "show", "1", "--curl", "--json"]);
    expect(later.lines()[0]?.command).toContain("'http://127.0.0.1:4460/webhooks/zoho/crm?x=1'");
  });

  it("lets curl post to no server that a sender has written into the request line", async () => {
    const own = await startLoggedProject();
    for (const path of ["http://stranger.test/webhooks/zoho/crm?x=1", "foo://stranger.test", "*"]) {
      const { hostname, port } = new URL(own.listener.url);
      const sent = request({ hostname, port, path, method: "POST" }).end();
      await once(sent, "response");
    }
    const posted: (string | undefined)[] = [];
    for (const n of ["1", "2", "3"]) {
      const { lines } = await own.run(["events", "show", n, "--curl", "--json"]);
      posted.push(String(lines()[0]?.command).split(" ")[3]?.replaceAll("'", ""));
    }
    const { url } = own.listener;
    expect(posted).toEqual([`${url}/webhooks/zoho/crm?x=1`, `${url}/`, `${url}/*`]);
    await own.stop();
  });

  it("writes curl commands without control characters of a log", async () => {
    const cwd = await projectWithControls();
    const { out } = await run(["events", "show", "1", "--curl"], { cwd, env: {} });
    expect(out).not.toMatch(OBEYED);
    expect(out).toMatch(/^# #1 \S+ crm ab, with secrets masked\n/);
    expect(out).toContain("\\342\\200\\250");
  });
});
