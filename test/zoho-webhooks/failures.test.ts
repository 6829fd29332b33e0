import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Prompts } from "../../src/process/prompts.ts";
import { clockTime } from "../../src/reports/event.ts";
import { formatDay } from "../../src/util/units.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const CRM_SCOPE = "ZohoCRM.settings.automation_actions.READ";
const SALESIQ_SCOPES = ["SalesIQ.webhooks.READ", "SalesIQ.webhooks.CREATE", "SalesIQ.portals.READ"];
const WEBHOOK = "19367000000120011";
const CRM_ID = "4876876000016474075";
const DAY_MS = 86_400_000;
let server: ZohoServer;
let clock: TestClock;
let env: Record<string, string>;
let cwd: string;

beforeEach(async () => {
  clock = new TestClock();
  server = await startZohoServer(clock.now);
  cwd = tempFolder();
  env = signedIn([CRM_SCOPE, ...SALESIQ_SCOPES]);
});
afterEach(() => server.close());

function signedIn(scopes: readonly string[]): Record<string, string> {
  return {
    ZOHO_CLIENT_ID: server.accounts.clientId,
    ZOHO_CLIENT_SECRET: server.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(scopes),
    ZOHO_ACCOUNTS_URL: server.url,
    ZOHO_API_URL: server.url,
  };
}

/** A time before now, as CRM writes it. */
const ago = (ms: number): string => new Date(clock.now().getTime() - ms).toISOString().replace(".000Z", "+00:00");
const crmFailure = (ms: number, id = CRM_ID) => ({ id, at: ago(ms), reason: "page_notfound" });
const execution = (id: string, ms = 60_000, retries = 3) => ({
  id,
  at: clock.now().getTime() - ms,
  status: 400,
  retries,
});
const text = (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  run(["webhooks", "failures", ...argv], { env, cwd, now: clock.now, sleep: clock.sleep, ...options });
const failures = (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  text([...argv, "--json"], options);
const listed = (result: RunResult) => result.lines().filter(({ type }) => type === "webhook_failure");
const posts = () => server.requests.filter(({ method, path }) => method === "POST" && !path.startsWith("/oauth/"));

describe("webhooks failures", () => {
  it("lists what CRM's workflow webhooks could not deliver in the last week, oldest first", async () => {
    server.failures.crm = [
      crmFailure(DAY_MS, "4876876000016474076"),
      crmFailure(6 * DAY_MS),
      crmFailure(8 * DAY_MS, "4876876000016474077"),
    ];
    const result = await failures(["--product", "crm"]);
    expect(result.exitCode, result.err).toBe(0);
    expect(listed(result)).toEqual([
      {
        v: 1,
        type: "webhook_failure",
        state: "failed",
        product: "crm",
        id: CRM_ID,
        at: new Date(clock.now().getTime() - 6 * DAY_MS).toISOString(),
        webhook: "Premium Lead Alert",
        rule: "WF-C",
        event: "Leads",
        record: "4876876000016474049",
        url: null,
        status: null,
        reason: "page_notfound",
        retries: null,
      },
      expect.objectContaining({ id: "4876876000016474076" }),
    ]);
    expect(listed(await failures(["--product", "crm", "--since", "3d"]))).toHaveLength(1);
    // Zoho filters by day.
    expect(listed(await failures(["--product", "crm", "--since", "1h"]))).toEqual([]);
  });

  it("lists what SalesIQ's webhooks could not deliver, without the conversation", async () => {
    server.salesIq.executions[WEBHOOK] = [execution("0db0d4d5-f4ae-4cb2-9ee4-990c171cddab")];
    const result = await failures(["--product", "salesiq"]);
    expect(listed(result)).toMatchObject([
      {
        id: "0db0d4d5-f4ae-4cb2-9ee4-990c171cddab",
        webhook: WEBHOOK,
        event: "conversation.operator.replied",
        record: "19367000000130079",
        url: expect.stringMatching(/^https:\/\/abc\.example\/hook\?token=\S*masked/),
        status: 400,
        retries: 3,
      },
    ]);
    expect(result.out).not.toContain("private");
    expect(result.out).not.toContain("abcdefghijklmnopqrstuvwxyz");
  });

  it("shows when, which rule, status and reason, and where Zoho shows those of other products", async () => {
    server.failures.crm = [crmFailure(DAY_MS)];
    server.salesIq.executions[WEBHOOK] = [execution("0db0d4d5")];
    const { exitCode, out, err } = await text([]);
    const at = new Date(clock.now().getTime() - DAY_MS);
    expect(exitCode, err).toBe(0);
    expect(out).toMatch(/Zoho CRM: 1 failed delivery\nfailed at +webhook +rule +event +record +reason\n/);
    expect(out).toContain(`${formatDay(at)} ${clockTime(at)}  Premium Lead Alert  WF-C  Leads`);
    expect(out).toMatch(/Zoho SalesIQ: 1 failed delivery\nfailed at +webhook +event +record +status +URL\n/);
    expect(err).toMatch(/Where Zoho shows them:\n {2}Zoho Books: Settings > Workflow Logs > Webhooks.*\n {2}Zoho /);
    expect((await text(["--since", "1m", "--product", "crm"])).err).toContain("Zoho CRM: no failed delivery since");
  });

  it("reads all pages, at most 20 of each list, and says that there are more", async () => {
    server.failures.crm = Array.from({ length: 450 }, (_, i) =>
      crmFailure(DAY_MS + i, `${4876876000016474000n + BigInt(i)}`),
    );
    server.salesIq.executions[WEBHOOK] = Array.from({ length: 1001 }, (_, i) => execution(`e${i}`));
    const result = await failures([]);
    const ids = (product: string) =>
      new Set(listed(result).flatMap((each) => (each.product === product ? [each.id] : [])));
    expect(ids("crm").size).toBe(450);
    expect(ids("salesiq").size).toBe(1000);
    expect(result.lines().filter(({ type }) => type === "warning")).toMatchObject([
      { message: "Zoho SalesIQ has more failed deliveries than were read" },
    ]);
  });

  it("asks for days that CRM accepts, whatever the hour in the organisation's time zone", async () => {
    server.failures.crm = [crmFailure(88 * DAY_MS)];
    for (let hour = 0; hour < 24; hour += 4) {
      const result = await failures(["--product", "crm", "--since", "365d"]);
      expect([result.exitCode, listed(result).length], result.err).toEqual([0, 1]);
      expect(result.out).toContain("of the last 89 days only");
      expect((await failures(["--product", "crm", "--since", "1m"])).exitCode).toBe(0);
      clock.advance(4 * 3_600_000);
    }
  });

  it("needs --org where the sign-in has access to several portals", async () => {
    server.salesIq.portals = ["acme", "other"];
    server.salesIq.executions[WEBHOOK] = [execution("0db0d4d5")];
    const several = await failures(["--product", "salesiq"]);
    expect([several.exitCode, several.err]).toEqual([2, expect.stringContaining("--org: acme, other")]);
    expect(listed(await failures(["--product", "salesiq", "--org", "acme"]))).toHaveLength(1);
    const none = await failures(["--product", "salesiq", "--org", "nobody"]);
    expect([none.exitCode, none.err]).toEqual([7, expect.stringContaining("1006: Invalid URL")]);
  });

  it("names the scope that is missing, and reads the other products", async () => {
    env = signedIn(SALESIQ_SCOPES);
    server.salesIq.executions[WEBHOOK] = [execution("0db0d4d5")];
    const all = await failures([]);
    expect([all.exitCode, listed(all).length]).toEqual([0, 1]);
    expect(all.lines().find(({ type }) => type === "warning")?.message).toContain(CRM_SCOPE);
    const crm = await failures(["--product", "crm"]);
    expect([crm.exitCode, crm.err, crm.out]).toEqual([6, expect.stringContaining(CRM_SCOPE), ""]);
    env = signedIn([CRM_SCOPE]);
    const salesiq = await failures(["--product", "salesiq"]);
    expect([salesiq.exitCode, salesiq.err]).toEqual([6, expect.stringContaining("SalesIQ.portals.READ")]);
    env = signedIn(["ZohoDesk.x"]);
    expect((await failures([])).exitCode).toBe(6);
  });

  it("names the login command for a profile without the scope, and asks Zoho nothing", async () => {
    const { ZOHO_REFRESH_TOKEN: _, ...client } = env;
    const code = server.accounts.makeCode(SALESIQ_SCOPES);
    env = { ...client, HOME: cwd, USERPROFILE: cwd, XDG_CONFIG_HOME: `${cwd}/.config`, ZOHO_KEYRING: "off" };
    const login = ["login", "--code", code, "--product", "salesiq"];
    expect((await run(login, { env, cwd, now: clock.now, sleep: clock.sleep })).exitCode).toBe(0);
    const result = await failures([]);
    expect(result.exitCode, result.err).toBe(0);
    expect(result.lines()).toMatchObject([
      {
        type: "warning",
        message: `Zoho CRM: the sign-in lacks the scope ${CRM_SCOPE}`,
        hint: `sign in again to grant it: zoho-hooks login --product crm --product salesiq --scope ${CRM_SCOPE}`,
      },
    ]);
    expect(server.requests.some(({ path }) => path.startsWith("/crm/"))).toBe(false);
    expect((await failures(["--product", "crm"])).err).toContain(`--product salesiq --scope ${CRM_SCOPE}`);
  });

  it("reports the failure of one product and shows the others", async () => {
    server.failures.crm = [crmFailure(DAY_MS)];
    server.trouble({ status: 500, body: "<html>" }, 9, ({ path }) => path === "/api/v2/portals");
    const result = await failures([]);
    expect([result.exitCode, listed(result).length]).toEqual([7, 1]);
    expect(result.lines().find(({ type }) => type === "warning")?.message).toMatch(
      /^Zoho SalesIQ: Zoho refused to list portals/,
    );
  });

  it.each([
    ["books", "see Settings > Workflow Logs > Webhooks"],
    ["books", "the calls that list failed deliveries are known, but the members of their answers are not"],
    ["inventory", "the calls that list failed deliveries are known, but the members of their answers are not"],
    ["subscriptions", "see the Events tab"],
    ["desk", "products with such a call: crm, salesiq"],
    ["nope", "there is no product"],
  ])("says where to look for %s, before anything is sent", async (product, message) => {
    const { exitCode, err } = await failures(["--product", product]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(server.requests).toEqual([]);
  });

  it.each([["last week"], ["2026-02-30"]])("rejects --since %s", async (since) => {
    expect((await failures(["--since", since])).exitCode).toBe(2);
  });
});

describe("webhooks failures --resend", () => {
  const resend = (...argv: string[]) => failures(["--product", "salesiq", "--resend", ...argv]);

  it("asks Zoho to send each again, and reports those that it refuses", async () => {
    server.salesIq.executions[WEBHOOK] = [
      execution("first", 2000),
      execution("spent", 1000, 99),
      execution("old", 30 * DAY_MS),
    ];
    const result = await resend("--yes");
    expect(result.exitCode).toBe(7);
    expect(listed(result).map(({ state, id, reason }) => [state, id, reason])).toEqual([
      ["failed", "first", null],
      ["failed", "spent", null],
      ["resent", "first", null],
      ["not_resent", "spent", expect.stringContaining("at most 99 times")],
    ]);
    expect(posts().map(({ path }) => path)).toEqual([
      `/api/v2/acme/webhooks/${WEBHOOK}/executions/first`,
      `/api/v2/acme/webhooks/${WEBHOOK}/executions/spent`,
    ]);
    server.salesIq.executions[WEBHOOK].splice(1, 1);
    const shown = await text(["--product", "salesiq", "--resend", "--yes"]);
    expect([shown.exitCode, shown.out]).toEqual([0, expect.stringContaining("sent again salesiq first")]);
  });

  it("asks once in a terminal, and sends nothing after a no", async () => {
    server.salesIq.executions[WEBHOOK] = [execution("first"), execution("second")];
    const asked: string[] = [];
    const answering = (answer: boolean): Partial<Prompts> => ({
      confirm: async ({ message }) => {
        asked.push(message);
        return answer;
      },
    });
    const no = await text(["--resend"], { prompts: answering(false) as Prompts });
    expect([no.exitCode, no.err]).toEqual([0, expect.stringContaining("nothing was sent again")]);
    expect(posts()).toEqual([]);
    await text(["--resend"], { prompts: answering(true) as Prompts });
    expect(posts()).toHaveLength(2);
    expect(asked).toEqual(
      Array(2).fill(
        "In the Zoho account of the environment's variables: Send 2 failed deliveries of Zoho SalesIQ again?",
      ),
    );
  });

  it("needs --yes without a terminal, unless there is nothing to send", async () => {
    expect((await resend()).exitCode).toBe(0);
    server.salesIq.executions[WEBHOOK] = [execution("first")];
    const { exitCode, err } = await resend();
    expect([exitCode, err]).toEqual([2, expect.stringContaining("add --yes")]);
    expect(posts()).toEqual([]);
  });

  it("says that CRM has no such call", async () => {
    const { exitCode, err } = await failures(["--product", "crm", "--resend", "--yes"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("no call that sends a failed delivery again")]);
    server.failures.crm = [crmFailure(DAY_MS)];
    const all = await failures(["--resend", "--yes"]);
    expect(all.exitCode).toBe(0);
    expect(all.out).toContain("1 delivery cannot be sent again: Zoho has no call for it");
  });

  it("goes on after a delivery that Zoho no longer has, and stops when Zoho limits the rate", async () => {
    server.salesIq.executions[WEBHOOK] = [execution("gone", 3000), execution("kept", 2000)];
    const isGone = ({ path }: { path: string }) => path.endsWith("/gone");
    server.trouble({ status: 200, body: { error: { code: 1006, message: "Invalid URL" } } }, 1, isGone);
    const result = await resend("--yes");
    expect(result.exitCode).toBe(7);
    expect(listed(result).slice(2)).toMatchObject([
      { state: "not_resent", id: "gone", reason: expect.stringContaining("1006: Invalid URL") },
      { state: "resent", id: "kept" },
    ]);
    server.trouble({ status: 429, body: { error: { code: 1100, message: "slow down" } } }, 9, isGone);
    const limited = await resend("--yes");
    expect([limited.exitCode, limited.err]).toEqual([7, expect.stringContaining("rate-limited")]);
    expect(limited.out).toContain("2 deliveries were not sent again");
    expect(listed(limited).map(({ state }) => state)).toEqual(["failed", "failed"]);
  });
});
