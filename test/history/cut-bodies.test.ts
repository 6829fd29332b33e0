import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoggedProject, leadBody, SECRETS, signature, startLoggedProject } from "../support/logged-project.ts";

const CRM = "/webhooks/zoho/crm";
const KEPT = "only the first 4.1 kB of its body were kept, because it was rejected";
const REFUSED = "error: only the first 4.1 kB of the body of #2 were kept, because it was rejected (answered 401)";
/** The cut goes through the token. */
const filler = "x".repeat(4096 - '{"filler":"","early_token":"t0ken'.length);
const large = `{"filler":"${filler}","early_token":"t0ken-of-nobody",${leadBody().slice(1, -1)},"more":"${"y".repeat(5000)}"}`;
let project: LoggedProject;

beforeAll(async () => {
  project = await startLoggedProject({ env: { ...SECRETS, ZOHO_HOOKS_MAX_BODY: "20kb" } });
  const post = (body: string, secret: string) =>
    project.deliver(CRM, body, { "content-type": "application/json", ...signature(body, secret) });
  await project.deliver(CRM, leadBody());
  await post(large, "another-secret");
  await post("z".repeat(30_000), "another-secret");
});
afterAll(() => project.stop());

describe("a rejected delivery with a large body", () => {
  it("is reported whole when it comes", () => {
    const [, event] = project.listener.lines().filter(({ type }) => type === "event");
    expect(event).toMatchObject({ n: 2, event: "Leads.create", status: 401, body: { early_token: "t0ken-of-nobody" } });
  });

  it("is shown with a remark, what was kept and its whole size", async () => {
    const { exitCode, out } = await project.run(["events", "show", "2"]);
    expect(exitCode).toBe(0);
    expect(out).toContain(KEPT);
    expect(out).toMatch(/^#2 crm Leads\.create .* 9\.\d kB\n/);
    expect(out).not.toMatch(/not valid JSON|t0ken|why:/);
    expect((await project.run(["events", "show", "1"])).out).not.toContain("kept");
    expect((await project.run(["events", "list"])).out).toMatch(/#2 .*9\.\d kB, 4\.1 kB recorded/);
    expect((await project.run(["events", "list", "-v"])).out).toContain(KEPT);
    const json = await project.run(["events", "show", "2", "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ cut: true, body: null, problem: null, bytes: large.length });
  });

  it("is said not to have been kept where it was larger than the setting maxBody", async () => {
    const { out } = await project.run(["events", "show", "3"]);
    expect(out).toContain("its body was not kept, because it was rejected\n");
    expect((await project.run(["events", "list"])).out).toMatch(/#3 .*30 kB, not recorded/);
    expect((await project.run(["verify", "--logged", "3"])).err).toContain("the body of #3 was not kept");
  });

  it.each([
    [["replay", "2", "--to", "9"]],
    [["replay", "2", "--dry-run", "--to", "9"]],
    [["verify", "--logged", "2", "--explain"]],
    [["events", "show", "2", "--curl"]],
    [["events", "save-fixture", "2"]],
    [["events", "diff", "1", "2"]],
  ])("is an error of %j, which needs the whole body", async (argv) => {
    const { exitCode, err, out } = await project.run(argv);
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toContain(REFUSED);
    expect(err).toContain("--on-invalid warn");
  });

  it("is listed with its headers and what was kept, and verified as what it is", async () => {
    const { out } = await project.run(["events", "list", "--all", "--json", "--show-secrets"]);
    const lines = out.split("\n");
    expect(lines.slice(0, 3).map((line) => JSON.parse(line).cut)).toEqual([true, true, false]);
    const verified = await project.run(["verify", "-"], { stdin: lines[1] ?? "" });
    expect(verified.exitCode).toBe(4);
    expect(verified.out).toContain("only the start of its body was kept, because it was rejected");
  });
});
