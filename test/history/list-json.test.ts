import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type LoggedProject,
  leadBody,
  signature,
  startLoggedProject,
  TOKEN,
  ticketBody,
} from "../support/logged-project.ts";

const FORM = "name=J%C3%BCrgen+M&JSONString=%7B%22a%22%3A1%7D";
const ALL = ["events", "list", "--all", "--json"];
let project: LoggedProject;

beforeAll(async () => {
  project = await startLoggedProject();
  await project.deliver("/webhooks/zoho/crm?x=1", leadBody());
  await project.deliver("/webhooks/zoho/desk", ticketBody("quoted"));
});
afterAll(() => project.stop());

describe("events list --all --json", () => {
  it("writes lines that verify accepts as genuine", async () => {
    const { out, lines, err, exitCode } = await project.run([...ALL, "--show-secrets"]);
    expect(exitCode).toBe(0);
    expect(err).toBe("");
    expect(lines().map(({ n }) => n)).toEqual([2, 1]);
    const verified = await project.run(["verify", "--json"], { stdin: out });
    expect(verified.exitCode).toBe(0);
    expect(verified.lines()[0]).toMatchObject({
      outcome: "valid",
      signatures: [{ result: "verified" }],
    });
    expect(verified.lines().at(-1)).toMatchObject({ count: 2, valid: 2 });
  });

  it("masks secrets by default", async () => {
    const { out, lines } = await project.run(ALL);
    const text = lines().map(({ body_b64 }) => Buffer.from(String(body_b64), "base64").toString());
    expect(out + text.join()).not.toContain(TOKEN);
    expect(lines().map(({ masked }) => masked)).toEqual([true, true]);
  });

  it("writes masked lines that verify reports as not checkable, not as forged", async () => {
    const { out } = await project.run(ALL);
    const verified = await project.run(["verify", "--explain"], { stdin: out });
    expect(verified.exitCode).toBe(3);
    expect(verified.out).not.toMatch(/failed:|no common mistake/);
    expect(verified.out.match(/– guide-signature: not checked: secrets are masked/g)).toHaveLength(2);
    expect(verified.out).toContain("– token: not checked: secrets are masked in this payload");
    expect(verified.out).toMatch(/payloads: .*masked \(cannot be verified\)/);
    expect(verified.out).not.toContain("failed verification");
    expect(verified.out).toContain("list it with zoho-hooks events list --json --show-secrets");
    const unasked = await project.run(["verify"], { stdin: out, env: {} });
    expect(unasked.exitCode).toBe(6);
  });

  it("writes masked lines whose body verify can still prove where nothing in it was masked", async () => {
    const { lines } = await project.run([...ALL, "--event", "Ticket.*"]);
    const [line] = lines();
    const body = Buffer.from(String(line?.body_b64), "base64");
    const header = Object.entries(signature(body)).flat().join(": ");
    const genuine = await project.run(["verify", "-H", header], { stdin: JSON.stringify(line) });
    expect(genuine.exitCode).toBe(0);
    const forged = await project.run(["verify", "-H", "x-zoho-signature: 00"], { stdin: JSON.stringify(line) });
    expect(forged.out).toContain("✗ wrong signature (guide-signature)");
  });

  it("preserves the bytes of a form and of a binary body", async () => {
    const other = await startLoggedProject({ forward: false, env: {} });
    try {
      const bytes = Buffer.from([0xff, 0x00, 0x80]);
      await other.deliver("/webhooks/zoho/crm", FORM, { "content-type": "application/x-www-form-urlencoded" });
      await other.deliver("/webhooks/zoho/crm", bytes, { "content-type": "application/octet-stream" });
      const { lines } = await other.run(ALL);
      expect(lines().map(({ body_b64 }) => body_b64)).toEqual([
        bytes.toString("base64"),
        Buffer.from(FORM).toString("base64"),
      ]);
    } finally {
      await other.stop();
    }
  });

  it("does not pass for the whole list when it is stopped", async () => {
    const { exitCode } = await project.run(ALL, { signal: AbortSignal.abort("SIGTERM") });
    expect(exitCode).toBe(143);
  });
});
