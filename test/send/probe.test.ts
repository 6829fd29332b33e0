import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Format } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";
import { closeAfterEach, env, send, target } from "../support/send.ts";
import type { Answer } from "../support/target.ts";

closeAfterEach();

const HOOK_SECRET = "handed-over-by-mail";
const withMail = { env: { ...env, ZOHO_WEBHOOK_HOOK_SECRET: HOOK_SECRET } };

/** An app that answers each method with a status of its own. */
function answering(statuses: Readonly<Record<string, number>>): Answer {
  return (response, { method }) => void response.writeHead(statuses[method] ?? 404).end();
}

describe("send --challenge in a format of Zoho's own", () => {
  it("probes as Desk does: only by GET if that is answered with 200", async () => {
    const app = await target(answering({ GET: 200 }));
    const { exitCode, out } = await send("desk --format wire --challenge --concurrency 4 --to PORT", app);
    expect(app.seen.map(({ method, body }) => [method, String(body)])).toEqual([["GET", ""]]);
    expect(out).toMatch(/^✓ 200 desk +\(GET\)/);
    expect(exitCode).toBe(0);
  });

  it("probes with a POST of {} where the GET fails, and explains what depends on it", async () => {
    const app = await target(answering({ GET: 405, POST: 200 }));
    const { exitCode, out } = await send("desk --format wire --challenge --to PORT", app);
    expect(app.seen.map(({ method, body }) => [method, String(body)])).toEqual([
      ["GET", ""],
      ["POST", "{}"],
    ]);
    expect(out).toMatch(
      /✗ 405 desk .*\n {2}Zoho Desk calls the URL by GET, or else POST of \{\}: the webhook is saved only if the answer is 200/,
    );
    expect(exitCode).toBe(0);
  });

  it.each([
    ["desk", 204],
    ["salesiq", 204],
    ["mail", 202],
    ["salesiq", 401],
    ["connect", 204],
  ])("fails where %s is answered with %i, which is no 200", async (product, status) => {
    const app = await target((response) => void response.writeHead(status).end());
    const { exitCode, out } = await send(`${product} --format wire --challenge --to PORT`, app, withMail);
    expect(out).toContain("the webhook is saved only if the answer is 200");
    expect(exitCode).toBe(5);
  });

  it("sends Mail's secret in the probe, and signs later deliveries with it", async () => {
    const app = await target();
    const { exitCode, out } = await send("mail --challenge --to PORT --verbose", app, withMail);
    expect(exitCode).toBe(0);
    expect(app.seen[0]?.headers).toContainEqual(["x-hook-secret", HOOK_SECRET]);
    expect(out).not.toContain(HOOK_SECRET);
    // By what method Zoho makes it is not told.
    expect(out).toContain("(a request with x-hook-secret)");
    const without = await send("mail --challenge --to PORT", app);
    expect(without).toMatchObject({ exitCode: 2, err: expect.stringContaining("ZOHO_WEBHOOK_HOOK_SECRET") });
  });

  it.each([
    [["--challenge", "x"], "has no value"],
    [["--challenge", "--count", "2"], "leave --count"],
  ])("refuses %j", async (flags, said) => {
    const app = await target();
    const { exitCode, err } = await run(["send", "desk", "--format", "wire", "--to", `${app.port}`, ...flags], { env });
    expect(err).toContain(said);
    expect(exitCode).toBe(2);
    expect(app.seen).toEqual([]);
  });

  it("prints a curl command for the same probe, also by HEAD", async () => {
    const app = await target();
    const { out } = await send("salesiq --challenge --to PORT --curl", app);
    const { stdout } = await promisify(execFile)("sh", ["-c", out], { timeout: 10_000 });
    expect(stdout).toContain("200 OK");
    await send("salesiq --challenge --to PORT", app);
    expect(app.seen.map(({ method, path }) => [method, path])).toEqual(
      Array.from({ length: 2 }, () => ["HEAD", "/webhooks/zoho/salesiq"]),
    );
  });
});

const probed = products.flatMap(({ id, formats }) =>
  formats.flatMap((format: Format) => (format.setup?.probes === undefined ? [] : [[id, format.id]])),
);

it.each(probed)("listen answers the probe of %s in its format %s", async (product, format) => {
  const listener = await startListener([], withMail);
  const target = { port: Number(new URL(listener.url).port) };
  const { exitCode, out } = await send(`${product} --format ${format} --challenge --to PORT`, target, withMail);
  await listener.stop();
  expect(out).toContain("✓ 200");
  expect(exitCode).toBe(0);
});
