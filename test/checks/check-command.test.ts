import { readFileSync, writeFileSync } from "node:fs";
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
  it.concurrent.each([
    {
      signature: false,
      title: "verifies no signature, requires no token, and drops second updates",
      found: [
        "security.missing-token",
        "security.wrong-signature",
        "security.missing-signature",
        "security.error-text",
        "idempotency.two-updates",
      ],
    },
    {
      signature: true,
      title: "with its Method 3 hashes other bytes than those that came, and throws for a short signature",
      found: [
        "security.missing-token",
        "security.missing-signature",
        "security.raw-bytes",
        "security.broken-signature",
        "security.error-text",
      ],
    },
  ])("$title", async ({ signature, found }) => {
    const countFile = join(tempFolder(), "count");
    const app = await startGuideHandler({ signature, countFile });
    const count = signature ? [] : ["--count-cmd", `cat ${countFile}`];
    const argv = ["check", `127.0.0.1:${app.port}`, "--format", "guide", "--json", "--skip", "speed", ...count];
    const result = await run(argv, { env, overrides: { answerWithinMs: 1000 } });
    await app.close();
    expect(failures(result), result.out).toEqual(found);
    expect(result.exitCode).toBe(8);
    if (!signature) expect(result.out).toContain("the guide's getWebhookId keys on the record's id alone");
  });
});

describe("our own listen", () => {
  const keys = {
    ...env,
    ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey,
    ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey,
    ZOHO_WEBHOOK_JWKS: testSecrets.for("jwks", "desk")[0]?.reveal() ?? "",
  };

  it("passes as every kind of product", async () => {
    const listener = await startHumanListener([], { env: keys });
    const port = Number(new URL(listener.url).port);
    const lines = ["crm", "crm --format guide", "payments", "sign", "salesiq", "desk --format wire"];
    const options = { env: keys, overrides: { answerWithinMs: 2000 } };
    const results = await Promise.all(
      lines.map((line) => check(`PORT --json --skip speed --product ${line}`, port, options)),
    );
    await listener.stop();
    expect(results.map(failures)).toEqual(lines.map(() => []));
    expect(results.map(({ exitCode }) => exitCode)).toEqual(lines.map(() => 0));
  });

  it("that tolerates old signatures is caught", async () => {
    const listener = await startHumanListener([], { env: { ...env, ZOHO_HOOKS_TOLERANCE: "7d" } });
    const port = Number(new URL(listener.url).port);
    const result = await check("PORT --json --product payments --only security", port);
    await listener.stop();
    expect(failures(result), result.out).toEqual(["security.old-timestamp"]);
  });
});

describe("what products ask for", () => {
  it("finds another status than 200 where nothing else counts", async () => {
    const signature = { header: "x-zs-webhook-signature", encoding: "base64" } as const;
    const app = await endpoint({ faults: ["answers 204"], signature });
    const result = await check("PORT --json --product sign --only protocol", app.port);
    expect(failures(result), result.out).toEqual(["protocol.exact-200"]);
  });

  it.each([
    { faults: ["keys on a rounded id"], found: ["idempotency.adjacent-ids"] },
    { faults: [], found: [] },
  ] as const)("of Payments' events with ids that JSON.parse makes equal: $faults", async ({ faults, found }) => {
    const countFile = join(tempFolder(), "count");
    const signature = { header: "x-zoho-webhook-signature", encoding: "hex" } as const;
    const app = await endpoint({ faults, signature, countFile });
    const argv = ["check", `127.0.0.1:${app.port}`, "--product", "payments", "--only", "idempotency", "--json"];
    const options = { env, overrides: { answerWithinMs: 1500 } };
    const result = await run([...argv, "--count-cmd", `cat ${countFile}`], options);
    expect(failures(result), result.out).toEqual(found);
    expect(result.out).toContain('"idempotency.adjacent-ids"');
    if (found.length > 0) expect(result.out).toContain("two events whose ids differ by one counted once, not twice");
    expect((await run(argv, options)).lines().find(({ id }) => id === "idempotency.adjacent-ids")?.outcome).toBe(
      "skipped",
    );
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

  it.each([
    // Of a format other than the default one.
    ["Deals.update", "Deals.update (format guide)", { module: "Deals", operation: "update" }],
    ["deals.edit --format wire", "Deals.edit (format wire)", { module: "Deals" }],
  ])("--event %s chooses the sample that is sent", async (event, announced, envelope) => {
    const app = await target();
    const { err } = await check(`PORT --only protocol.valid-delivery --event ${event}`, app.port);
    expect(err).toContain(announced);
    expect(JSON.parse(app.seen[0]?.body.toString() ?? "")).toMatchObject(envelope);
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
    expect(out).toContain("→ name your app's path");
  });

  it("skips what needs a secret without one, and counts it", async () => {
    const app = await endpoint();
    const { out, exitCode } = await check("PORT --format guide", app.port, { env: {} });
    expect(out).toContain("it refuses unsigned deliveries (401): set ZOHO_WEBHOOK_TOKEN and ZOHO_WEBHOOK_SECRET");
    expect(out).toMatch(
      /– 2 checks +set ZOHO_WEBHOOK_TOKEN to .*\n +skipped: security.wrong-token, security.missing-token\n/,
    );
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
    ["PORT --count-cmd false", "--count-cmd: the command failed"],
    ["PORT --product crn", 'there is no product "crn"'],
    ["PORT --event Deals.updat", 'crm has no event "Deals.updat"'],
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

  it.each([
    ["t", "s"],
    ["secret", "secret"],
  ])("masks a token %s and a secret %s in no text, and looks for neither in errors", async (token, secret) => {
    const app = await target((response) => void response.writeHead(401).end("wrong secret"));
    const short = { ZOHO_WEBHOOK_TOKEN: token, ZOHO_WEBHOOK_SECRET: secret };
    const line =
      "PORT --format guide --only reachability.port --only security.error-text --only protocol.valid-delivery";
    const { out } = await check(line, app.port, { env: short });
    expect(out).toMatch(/✓ reachability\.port .*its port is open/);
    expect(out).toContain("wrong secret");
    expect(out).toContain("✓ security.error-text");
    expect(out).not.toContain("[masked]");
  });

  it("writes JUnit XML", async () => {
    const app = await target(
      (response) => void response.writeHead(500).end('a <b> & "c" \u001b[31m \u009b\u202e\uffff'),
    );
    const cwd = tempFolder();
    const { exitCode } = await check("PORT --junit check.xml", app.port, { cwd });
    const xml = readFileSync(join(cwd, "check.xml"), "utf8");
    expect(exitCode).toBe(8);
    expect(xml).toMatch(/<testsuites name="zoho-hooks check" tests="\d+" failures="\d+" errors="0" skipped="\d+"/);
    expect(xml).toContain('<testcase classname="zoho-hooks.protocol" name="protocol.valid-delivery"><failure message=');
    expect(xml).toContain("a &lt;b&gt; &amp;");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys them, and XML has no others
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\uffff]/);
  });

  it("adds a table to the summary of a GitHub job", async () => {
    const app = await target((response) => void response.writeHead(500).end("no | <b>table</b> `here`\n| --- |"));
    const GITHUB_STEP_SUMMARY = join(tempFolder(), "summary.md");
    writeFileSync(GITHUB_STEP_SUMMARY, "# Earlier step\n");
    const line = "PORT --only protocol.valid-delivery --only speed.at-once --only reachability.port";
    await check(line, app.port, { env: { ...env, GITHUB_STEP_SUMMARY } });
    const lines = readFileSync(GITHUB_STEP_SUMMARY, "utf8").split("\n");
    expect(lines).toEqual([
      "# Earlier step",
      expect.stringMatching(/^### zoho-hooks check http&#58;\/\/127\.0\.0\.1&#58;\d+\/webhooks\/zoho\/crm$/),
      "",
      expect.stringMatching(/^1 passed, 0 warnings, 1 failed, 1 skipped in [\d.]+ s$/),
      "",
      "| | check | result |",
      "| --- | --- | --- |",
      expect.stringMatching(
        /^\| ❌ \| `protocol\.valid-delivery` \| a valid delivery&#58; answered 500<br>→ read its log;/,
      ),
      "| ✅ | `reachability.port` | its port is open |",
      "| ➖ | `speed.at-once` | it does not accept a valid delivery |",
      "",
      "",
    ]);
  });

  it("says that the summary of a GitHub job could not be written, and ends as it would", async () => {
    const app = await endpoint();
    const options = { env: { ...env, GITHUB_STEP_SUMMARY: tempFolder() } };
    const { err, exitCode } = await check("PORT --format guide --only protocol.valid-delivery", app.port, options);
    expect(err).toContain("warning: the results could not be added to GITHUB_STEP_SUMMARY: EISDIR");
    expect(exitCode).toBe(0);
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
      checks.map(({ id, title, onlyWarns }) => ({ id, title: onlyWarns ? `${title} (warning)` : title })),
    );
  });
});
