import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Prompts } from "../../src/process/prompts.ts";
import { isWatch } from "../support/channel-world.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const SCOPES = ["ZohoCRM.notifications.ALL", "ZohoBigin.notifications.ALL"];
const HOOK = "https://abc.example/hook?token=h1dden";
let server: ZohoServer;
let clock: TestClock;
let cwd: string;
beforeEach(async () => {
  clock = new TestClock();
  server = await startZohoServer(clock.now);
  cwd = tempFolder();
});
afterEach(() => server.close());

const zoho = (argv: readonly string[], options: RunOptions = {}) =>
  run(argv, {
    cwd,
    env: env(),
    now: clock.now,
    sleep: clock.sleep,
    ...options,
  });
const env = () => ({ ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url, ZOHO_KEYRING: "off" });
const signIn = (options: RunOptions = {}, scopes = SCOPES) =>
  zoho(
    ["login", "--profile", "acme", "--code", server.accounts.makeCode(scopes), "--client-id", server.accounts.clientId],
    { ...options, env: { ...env(), ZOHO_CLIENT_SECRET: server.accounts.clientSecret } },
  );
const create = async (id: string, product = "crm", options: RunOptions = {}): Promise<void> => {
  const argv = ["channels", "create", "Contacts.all", "--id", id, "--product", product, "--url", HOOK];
  expect((await zoho(argv, options)).exitCode).toBe(0);
};
const isAlive = (id: string): boolean => server.watch.isAlive(id);
const answering = (answer: boolean, questions: string[]): Prompts => {
  const never = () => Promise.reject(new Error("not asked for"));
  const confirm: Prompts["confirm"] = async ({ message, initial = false }) => {
    questions.push(`${message} ${initial}`);
    return answer;
  };
  return { confirm, text: never, secret: never, choose: never, chooseMany: never };
};
const DELETE = "zoho-hooks login --product crm --product bigin --profile acme, then zoho-hooks channels delete";

describe("logout with active channels", () => {
  beforeEach(async () => {
    await signIn();
    await create("1");
    await create("2");
    await create("3", "bigin");
    const other = { cwd: tempFolder() };
    await signIn(other);
    await create("4", "crm", other);
  });

  it("lists them without a terminal, with the commands that delete them", async () => {
    const { exitCode, out, err } = await zoho(["logout"]);
    expect([exitCode, out]).toEqual([0, "signed out of acme\n"]);
    const at = "https://abc.example/hook?token=[masked], until 2026-03-0";
    expect(err).toContain(`2 Zoho CRM channels created here can still post: 1 (${at}`);
    expect(err).toContain(`  to delete: ${DELETE} 1 2 --product crm --profile acme\n`);
    expect(err).toContain(`1 Zoho Bigin channel created here can still post: 3 (${at}`);
    expect(err).toContain("1 Zoho CRM channel of this user created elsewhere can still post");
    expect(err).not.toContain("h1dden");
    for (const id of ["1", "2", "3", "4"]) expect(isAlive(id)).toBe(true);
  });

  it.each([true, false])("asks once in a terminal whether to delete those created here: %s", async (answer) => {
    const questions: string[] = [];
    const { exitCode, err } = await zoho(["logout"], { prompts: answering(answer, questions) });
    expect([exitCode, questions]).toEqual([
      0,
      [
        "Without the sign-in of profile acme, channels created here can still post (crm 1, 2; bigin 3). Delete them first? false",
      ],
    ]);
    expect(["1", "2", "3", "4"].map(isAlive)).toEqual([!answer, !answer, !answer, true]);
    expect(err.includes(DELETE)).toBe(!answer);
    expect(err).toContain("created elsewhere can still post");
  });

  it("stays signed in if one cannot be deleted", async () => {
    const lie = { watch: [{ code: "SUCCESS", details: { channel_id: "1" }, status: "success" }] };
    server.trouble({ status: 200, body: lie }, 1, isWatch("DELETE"));
    const { exitCode, err } = await zoho(["logout"], { prompts: answering(true, []) });
    expect([exitCode, err]).toEqual([7, expect.stringContaining("still signed in as acme")]);
    expect((await zoho(["whoami"])).exitCode).toBe(0);
  });

  it("lists those that this machine knows if Zoho's list cannot be read", async () => {
    await zoho(["channels", "delete", "2", "--yes"]);
    clock.advance(2 * 24 * 3_600_000);
    const before = server.requests.length;
    server.trouble({ status: 403, body: "<html>blocked</html>" }, 9, isWatch("GET"));
    const { exitCode, err } = await zoho(["logout"]);
    expect(exitCode).toBe(0);
    expect(server.requests.slice(before).filter(isWatch("GET"))).toHaveLength(2);
    // That of Bigin has expired.
    expect(err).toContain("1 Zoho CRM channel created here can still post: 1 (");
    expect(err).not.toContain("Bigin");
  });
});

describe("logout without channels", () => {
  it("asks nothing, and does not list products that the sign-in has no scope for", async () => {
    await signIn({}, ["ZohoBigin.notifications.ALL"]);
    const questions: string[] = [];
    const { exitCode, err } = await zoho(["logout"], { prompts: answering(true, questions) });
    expect([exitCode, err, questions]).toEqual([0, "", []]);
    expect(server.requests.filter(isWatch("GET")).map(({ path }) => path)).toEqual(["/bigin/v2/actions/watch"]);
  });
});
