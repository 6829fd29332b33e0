import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { closeAfterEach, env, hmac, send, target } from "../support/send.ts";
import { freePort, valuesOf } from "../support/target.ts";

closeAfterEach();

describe("send with faults", () => {
  it.each([
    ["--bad-signature", "its signature was wrong on purpose"],
    ["--no-signature", "it was not signed on purpose"],
    ["--bad-token", "its token was wrong on purpose"],
  ])("fails when the app accepts %s, and not when it refuses it", async (flag, flaw) => {
    const app = await target((response, _, n) => void response.writeHead(n === 1 ? 200 : n === 2 ? 401 : 404).end());
    const line = `crm Leads.create --format guide --to PORT ${flag}`;
    const accepted = await send(line, app);
    expect([accepted.exitCode, accepted.out]).toEqual([
      8,
      expect.stringMatching(`^✗ 200[^]*accepted, although ${flaw}`),
    ]);
    const refused = await send(line, app);
    expect([refused.exitCode, refused.out]).toEqual([
      0,
      expect.stringMatching(`^✓ 401[^]*refused, as it should be: ${flaw}`),
    ]);
    // Another answer says nothing about the fault.
    const lost = await send(line, app);
    expect([lost.exitCode, lost.out]).toEqual([5, expect.stringMatching(/^✗ 404/)]);
    expect(lost.out).not.toContain("as it should be");
  });

  it.each([
    [
      "crm Leads.create",
      "--bad-signature",
      "use --bad-token, since it has a token, or --format guide, which has a signature",
    ],
    ["crm Leads.create", "--no-signature", "use --bad-token, since it has a token, or --format guide"],
    ["sign RequestCompleted", "--bad-token", "use --bad-signature, since it has a signature"],
    ["desk Ticket.Create", "--bad-token", "use --bad-signature"],
    ["forms form_submitted", "--bad-signature", "use --format guide, which has a signature"],
    ["signals row_inserted", "--no-signature", "leave the flag out"],
    ["crm --challenge", "--bad-token", "this challenge has no token"],
    ["desk --challenge", "--bad-signature", "this challenge has no signature"],
  ])("refuses for %s the fault %s, which it cannot have", async (subject, flag, hint) => {
    const app = await target();
    const { exitCode, err } = await send(`${subject} --to PORT ${flag}`, app);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(hint)]);
    expect(app.seen).toEqual([]);
  });

  it("leaves out of --all the products that cannot have the fault", async () => {
    const app = await target((response) => void response.writeHead(401).end());
    const { exitCode, out } = await send("--all --to PORT --bad-token", app);
    expect(exitCode).toBe(0);
    expect(new Set(app.seen.map(({ path }) => path))).toEqual(
      new Set(["crm", "bigin", "recruit"].map((id) => `/webhooks/zoho/${id}`)),
    );
    expect(out).not.toContain("✗");
  });

  it.each([
    [401, "401", 0],
    [401, "4xx", 0],
    [401, "400,401", 0],
    [200, "401", 8],
    [500, "4xx", 8],
    [204, "2XX", 0],
    [500, "400, 5xx", 0],
  ])("answered with %i, and --expect-status %s, exits with %i", async (status, wanted, exitCode) => {
    const app = await target((response) => void response.writeHead(status).end());
    const argv = ["send", "crm", "Leads.create", "--to", String(app.port), "--bad-token", "--expect-status", wanted];
    const result = await run(argv, { env });
    const mark = exitCode === 0 ? "✓" : "✗";
    expect(result.out).toContain(`${mark} ${status}`);
    expect(result.out.includes("expected ")).toBe(exitCode === 8);
    expect(result.out).not.toContain("accepted, although");
    expect(result.exitCode).toBe(exitCode);
    const { lines } = await run([...argv, "--json"], { env });
    const error = exitCode === 0 ? null : `expected ${wanted}, got ${status}`;
    expect(lines()[0]).toMatchObject({ type: "sent", status, error });
  });

  it("with --expect-status needs every answer to be as expected", async () => {
    const app = await target((response, _, n) => void response.writeHead(n === 2 ? 200 : 401).end());
    const { exitCode, out } = await send("crm Leads.create --to PORT --count 3 --expect-status 401", app);
    expect(exitCode).toBe(8);
    expect(out).toContain("2 ok, 1 failed");
    const unreachable = await send("crm Leads.create --to PORT --expect-status 4xx", { port: await freePort() });
    expect(unreachable.exitCode).toBe(8);
    expect(unreachable.out).toContain("nothing listens on");
  });

  it.each(["40", "600", "x", "401 402", ""])("rejects --expect-status %j", async (text) => {
    const { exitCode, err } = await run(["send", "crm", "Leads.create", "--expect-status", text]);
    expect(exitCode).toBe(2);
    expect(err).toContain("write it as 401, 4xx or 400,401");
  });

  it("sends a well-formed but wrong signature, or none", async () => {
    const app = await target();
    await send("desk Ticket.Create --to PORT --bad-signature", app);
    await send("desk Ticket.Create --to PORT --bad-signature", app, { env: {} });
    await send("desk Ticket.Create --to PORT --no-signature", app);
    const [wrong, unconfigured, none] = app.seen.map((seen) => valuesOf(seen, "x-zoho-signature"));
    expect(wrong).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(wrong).not.toEqual([hmac(app.seen[0]?.body)]);
    expect(unconfigured).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(none).toEqual([]);
  });

  it("replaces the user's own value with a wrong one, and notes it", async () => {
    const app = await target();
    const config = JSON.stringify({ products: { survey: { format: "wire", auth: { header: "x-hook-key" } } } });
    const cwd = folderWith({ "zoho-hooks.config.json": config });
    const env = { ZOHO_WEBHOOK_AUTH: "v4lue" };
    const { out } = await send("survey response_submitted --to PORT --bad-token", app, { cwd, env });
    expect(out).toContain("accepted, although its auth value was wrong on purpose");
    expect(app.seen[0] && valuesOf(app.seen[0], "x-hook-key")).toEqual([expect.stringMatching(/^(?!v4lue)./)]);
  });

  it("accepts Desk's refusal of a wrong JWT as intended", async () => {
    const app = await target((response) => void response.writeHead(401).end());
    const { out } = await send("desk Ticket_Add --format wire --to PORT --bad-signature", app);
    expect(out).toContain("refused, as it should be: its signature was wrong on purpose");
  });

  it("does not count an app's failure as a refusal", async () => {
    const app = await target((response) => void response.writeHead(500).end());
    const { exitCode, out } = await send("crm Leads.create --format guide --to PORT --bad-signature", app);
    expect([exitCode, out]).toEqual([5, expect.stringContaining("your app failed while handling it")]);
    expect(out).not.toContain("as it should be");
  });

  it("fails when a challenge is answered without its echo", async () => {
    const app = await target();
    const { exitCode, out } = await send("crm --challenge --to PORT", app);
    expect(exitCode).toBe(5);
    expect(out).toContain("the app did not echo the challenge");
    expect(out).toContain('{"challenge": …}');
    expect(JSON.parse(String(app.seen[0]?.body))).toEqual({ challenge: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it("does not follow a redirect, and shows where it points", async () => {
    const app = await target((response) => void response.writeHead(302, { location: "/login" }).end());
    const { exitCode, out } = await send("crm Leads.create --to PORT", app);
    expect(exitCode).toBe(5);
    expect(out).toContain("redirects are not followed: it points to /login");
    expect(app.seen).toHaveLength(1);
  });

  it("fails where the sender accepts only 200", async () => {
    const app = await target((response) => void response.writeHead(204).end());
    const why = "Zoho Desk accepts only a 200: it counts a delivery answered with 204 as failed";
    const { exitCode, out } = await send("desk Ticket_Add --format wire --to PORT --quiet", app);
    expect([exitCode, out]).toEqual([5, expect.stringMatching(`^✗ 204[^]*${why}`)]);
    const [line] = (await send("desk Ticket_Add --format wire --to PORT --json", app)).lines();
    expect(line).toMatchObject({ status: 204, error: expect.stringContaining(why), hint: null });
    expect((await send("crm Leads.create --to PORT", app)).exitCode).toBe(0);
    const { out: sign } = await send("sign RequestViewed --to PORT", app);
    expect(sign).toMatch(/delivery answered with 204\s+as failed;\s+20 failures in a row disable the webhook/);
  });

  it.each([
    ["salesiq zobot.message", '{"action":"reply","replies":["Hi"]}'],
    ["cliq invocation", '{"output":{"text":"Hi"}}'],
  ])("reports an answer that %s cannot show", async (event, answer) => {
    const app = await target((response, _, n) => void response.end(n === 1 ? "OK" : answer));
    const line = `${event} --format ${event.startsWith("cliq") ? "wire" : "zobot"} --to PORT`;
    const { exitCode, out } = await send(line, app);
    expect([exitCode, out]).toEqual([0, expect.stringContaining("cannot use this answer: it expects JSON such as")]);
    expect((await send(line, app)).out).not.toContain("cannot use this answer");
  });

  it.each([
    [
      "a long answer whose key comes after the part of it that is looked at",
      `{"replies":["${"x".repeat(600)}"],"action":"reply"}`,
      undefined,
    ],
    ["an answer that is compressed in a way that is not known here", '{"action":"reply"}', "zstd"],
  ])("reports nothing for %s", async (_, answer, coding) => {
    const app = await target((response) => {
      if (coding !== undefined) response.setHeader("content-encoding", coding);
      response.end(answer);
    });
    const { exitCode, out } = await send("salesiq zobot.message --format zobot --to PORT", app);
    expect([exitCode, out]).toEqual([0, expect.not.stringContaining("cannot use this answer")]);
  });

  it("gives up on an app that does not answer", async () => {
    const app = await target(() => {});
    const { exitCode, out } = await send("crm Leads.create --to PORT --timeout 200ms", app);
    expect(exitCode).toBe(5);
    expect(out).toContain("did not answer within 200 ms");
  });

  it("warns of an answer that takes longer than the guide allows", async () => {
    const app = await target((response) => void setTimeout(() => response.end("late"), 60));
    const overrides = { answerWithinMs: 50 };
    const { exitCode, err } = await send("crm Leads.create --to PORT", app, { overrides });
    expect(exitCode).toBe(0);
    expect(err).toContain("1 answer came too late: the guide allows 0.05 s");
  });

  it("strips escape sequences and bidirectional overrides from an answer", async () => {
    const app = await target((response) => void response.end("\u001b[31mred\u0007 \u202edelivered\u2066"));
    const { out } = await send("crm Leads.create --to PORT", app);
    expect(out).toContain("answer: [31mred delivered\n");
    expect(out).not.toContain("\u001b");
  });
});
