import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checks } from "../../src/checks/endpoint/run.ts";
import { type EndpointOptions, startEndpoint } from "../support/endpoints/good.ts";
import { startGuideHandler } from "../support/endpoints/guide.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { closeAfterEach, closeLater, env, TOKEN, target } from "../support/send.ts";
import { freePort } from "../support/target.ts";
import { testKeys, testSecrets } from "../support/test-secrets.ts";

closeAfterEach();

/** A command line of one line, with the port of an endpoint in the place of PORT. */
function check(line: string, port: number, options: RunOptions = {}): Promise<RunResult> {
  const words = line
    .split(" ")
    .map((word) => word.replace(/(?<!:)PORT/, "127.0.0.1:PORT").replace("PORT", String(port)));
  return run(["check", ...words], { env, overrides: { answerWithinMs: 2000 }, ...options });
}

async function endpoint(options: EndpointOptions = {}) {
  return closeLater(await startEndpoint(options));
}

function failures(result: RunResult): readonly unknown[] {
  const found = result.lines().filter(({ outcome }) => outcome === "failed" || outcome === "warning");
  return found.map(({ id }) => id);
}

describe("the guide's handler", () => {
  it("verifies no signature, requires no token, and drops second updates", async () => {
    const countFile = join(tempFolder(), "count");
    const app = closeLater(await startGuideHandler({ signature: false, countFile }));
    const argv = [
      "check",
      `127.0.0.1:${app.port}`,
      "--format",
      "guide",
      "--json",
      "--skip",
      "speed",
      "--count-cmd",
      `cat ${countFile}`,
    ];
    const result = await run(argv, { env, overrides: { answerWithinMs: 2000 } });
    expect(failures(result), result.out).toEqual([
      "security.missing-token",
      "security.wrong-signature",
      "security.missing-signature",
      "security.error-text",
      "idempotency.two-updates",
    ]);
    expect(result.exitCode).toBe(8);
    const update = result.lines().find(({ id }) => id === "idempotency.two-updates");
    expect(JSON.stringify(update)).toContain("the guide's getWebhookId keys on the record's id alone");
  });

  it("with its Method 3 hashes other bytes than those that came, and throws for a short signature", async () => {
    const app = closeLater(await startGuideHandler({ signature: true, countFile: join(tempFolder(), "count") }));
    const result = await check("PORT --format guide --json --skip speed", app.port);
    expect(failures(result), result.out).toEqual([
      "security.missing-token",
      "security.missing-signature",
      "security.raw-bytes",
      "security.broken-signature",
      "security.error-text",
    ]);
  });
});

describe("our own listen", () => {
  const keys = {
    ...env,
    ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey,
    ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey,
    ZOHO_WEBHOOK_JWKS: testSecrets.for("jwks", "desk")[0]?.reveal() ?? "",
  };

  it.each([
    "crm --skip speed",
    "crm --format wire --skip speed",
    "payments --skip speed",
    "sign --skip speed",
    "salesiq --skip speed",
    "desk --format wire --skip speed",
  ])("passes as %s", async (product) => {
    const listener = await startHumanListener([], { env: keys });
    const port = Number(new URL(listener.url).port);
    const result = await check(`PORT --json --product ${product}`, port, {
      env: keys,
      overrides: { answerWithinMs: 5000 },
    });
    await listener.stop();
    expect(failures(result), result.out).toEqual([]);
    expect(result.exitCode).toBe(0);
  });

  it("that tolerates old signatures is caught", async () => {
    const listener = await startHumanListener(["--tolerance", "7d"], { env });
    const port = Number(new URL(listener.url).port);
    const result = await check("PORT --json --product payments --only security", port);
    await listener.stop();
    expect(failures(result), result.out).toEqual(["security.old-timestamp"]);
  });
});

describe("what products ask for", () => {
  it("finds another status than 200 where nothing else counts", async () => {
    const signature = { header: "x-zs-webhook-signature", encoding: "base64" } as const;
    const app = await endpoint({ fault: "answers 204", signature });
    const result = await check("PORT --json --product sign --skip speed", app.port);
    expect(failures(result), result.out).toEqual(["protocol.exact-200"]);
  });

  it("finds a URL that Desk would not save", async () => {
    const app = await endpoint();
    const result = await check("PORT --json --product desk --format wire --only protocol.probe", app.port);
    expect(failures(result), result.out).toEqual(["protocol.probe"]);
  });
});

describe("check", () => {
  it("says in a banner how many events the app will act on, and keeps to it", async () => {
    const app = await endpoint();
    const { err, out, exitCode } = await check("PORT --format guide --skip speed", app.port);
    const [, most] = /\nYour app will act on up to (\d+) sample events \(record ids 88888888…\)/.exec(err) ?? [];
    expect(Number(most)).toBeGreaterThan(20);
    expect(err).toMatch(/^Checking \S+\nas Zoho CRM posts .*\nYour app /);
    expect(app.accepted.length).toBeLessThanOrEqual(Number(most));
    for (const id of app.accepted) expect(id).toMatch(/^88888888\d{11}$/);
    expect(out).toMatch(/\n\d+ passed, 0 failed, \d+ skipped\n$/);
    expect(exitCode).toBe(0);
  });

  it("of an address where nothing listens fails once, and skips the rest in one line", async () => {
    const { out, exitCode } = await check("PORT", await freePort());
    expect(out.match(/^✗/gm)).toHaveLength(1);
    expect(out).toMatch(/✗ reachability\.port +nothing listens on port \d+/);
    expect(out).toMatch(/– \d\d checks +nothing listens on port \d+\n/);
    expect(exitCode).toBe(8);
  });

  it("of a host whose name does not resolve says nothing of its address", async () => {
    const { out, exitCode } = await check("https://hooks.invalid/crm --yes --only reachability", 0);
    expect(out).toMatch(/^✗ reachability\.name /);
    expect(out).toMatch(/– 7 checks +the name does not resolve\n/);
    expect(out).toMatch(/\n0 passed, 1 failed, 7 skipped\n$/);
    expect(exitCode).toBe(8);
  });

  it.each([
    ["an address where nothing listens", 0, "reachability.port"],
    ["an app that accepts no valid delivery", 500, "protocol.valid-delivery"],
  ])("--only of %s fails for what is in the way", async (_, status, id) => {
    const port =
      status === 0 ? await freePort() : (await target((response) => void response.writeHead(status).end())).port;
    const result = await check("PORT --json --only robustness", port);
    expect(failures(result), result.out).toEqual([id]);
    expect(result.exitCode).toBe(8);
  });

  it("of a path that the app does not have asks for the path", async () => {
    const app = await target((response) => void response.writeHead(404).end("<pre>\n  Cannot POST</pre>"));
    const { out } = await check("PORT --only protocol.valid-delivery", app.port);
    expect(out).toContain('came back: 404 "<pre> Cannot POST</pre>"');
    expect(out).toContain("→ give the path that your app has");
  });

  it("skips what needs a secret without one, and counts it", async () => {
    const app = await endpoint();
    const { out, exitCode } = await check("PORT --format guide", app.port, { env: {} });
    expect(out).toContain("it refuses unsigned deliveries (401): set ZOHO_WEBHOOK_TOKEN and ZOHO_WEBHOOK_SECRET");
    expect(out).toContain("set ZOHO_WEBHOOK_TOKEN to what your app has");
    expect(exitCode).toBe(0);
  });

  it("does nothing to another machine without --yes", async () => {
    const { err, exitCode } = await check("https://hooks.example.com/webhooks/zoho/crm", 0);
    expect(err).toContain("hooks.example.com is not this machine");
    expect(err).toContain("add --yes");
    expect(exitCode).toBe(2);
  });

  it.each([
    ["PORT --only securty", '--only: there is no check "securty"'],
    ["PORT --skip security.token", '--skip: there is no check "security.token"'],
    ["PORT --only protocol.exact-200", "no check is left"],
    ["PORT --summary check.xml", '--summary: "check.xml" is not a summary'],
    ["PORT --count-cmd false", "--count-cmd: the command failed"],
    ["PORT --product crn", 'there is no product "crn"'],
    ["one", '"one" is not a target'],
  ])("refuses %s", async (line, message) => {
    const app = await endpoint();
    const { err, exitCode } = await check(line, app.port);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
    expect(app.requests).toBe(0);
  });

  it("runs only the checks that are named, and takes the product from the URL", async () => {
    const app = await endpoint();
    const line =
      "http://localhost:PORT/webhooks/zoho/recruit --only security --only speed.deadline --skip security.error-text";
    const { out, err } = await check(`${line} --format guide`, app.port);
    expect(err).toContain("Zoho Recruit");
    expect(out.match(/^\S security\.\S+/gm)?.length).toBeGreaterThan(5);
    expect(out).not.toContain("error-text");
    expect(out).not.toContain("reachability");
  });

  it("writes JUnit XML", async () => {
    const app = await target(
      (response) => void response.writeHead(500).end('a <b> & "c" \u001b[31m \u009b\u202e\uffff'),
    );
    const cwd = tempFolder();
    const { exitCode } = await check("PORT --summary junit=check.xml", app.port, { cwd });
    const xml = readFileSync(join(cwd, "check.xml"), "utf8");
    expect(exitCode).toBe(8);
    expect(xml).toMatch(/<testsuites name="zoho-hooks check" tests="\d+" failures="\d+" errors="0" skipped="\d+"/);
    expect(xml).toContain('<testcase classname="zoho-hooks.protocol" name="protocol.valid-delivery"><failure message=');
    expect(xml).toContain("a &lt;b&gt; &amp;");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys them, and XML has no others
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\uffff]/);
  });

  it("shows neither secrets nor terminal codes of an answer", async () => {
    // A part of the second token must not be left where the answer is cut.
    const text = `\u001b[2J${TOKEN}`.padEnd(190);
    const app = await target((response) => void response.writeHead(403).end(text + TOKEN));
    const { out } = await check("PORT", app.port);
    expect(out).toContain("protocol.valid-delivery");
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain(TOKEN.slice(0, 5));
  });

  it("ends with Ctrl-C, and says what it has", async () => {
    const interrupt = new AbortController();
    const app = await target((response) => {
      interrupt.abort("SIGINT");
      response.end("OK");
    });
    const { out, err, exitCode } = await check("PORT", app.port, { signal: interrupt.signal });
    expect(err).toMatch(/warning: ended early: \d\d checks not made/);
    expect(out).toMatch(/\d+ passed, 0 failed/);
    expect(exitCode).toBe(130);
  });
});

describe("docs/check.md", () => {
  it("lists every check", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/check.md"), "utf8");
    const listed = [...page.matchAll(/^\| `(\w+\.[\w-]+)` \| (.*) \|$/gm)].map(([, id, title]) => ({ id, title }));
    expect(listed).toEqual(
      checks.map(({ id, title, severity }) => ({ id, title: severity === "warning" ? `${title} (warning)` : title })),
    );
  });
});
