import { describe, expect, it } from "vitest";
import { openTunnel } from "../../src/tunnel/open-tunnel.ts";
import { interrupt, linesOf, start, startChannelListeners, world, zoho } from "../support/channel-listener.ts";
import { isRunning, type StandIn, standInCloudflared, urlOfStart } from "../support/cloudflared.ts";
import type { Listener } from "../support/listener.ts";
import { ticketBody } from "../support/logged-project.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

startChannelListeners();

const overrides: RunOptions["overrides"] = {
  openTunnel: (choice, options) => openTunnel(choice, { ...options, settleMs: 100 }),
};
const using = (standIn: StandIn, more: Record<string, string> = {}): RunOptions => ({
  ...world({ ZOHO_HOOKS_TUNNEL: "cloudflared", NGROK_AUTHTOKEN: "", CLOUDFLARED_PATH: standIn.path, ...more }),
  overrides,
});
const notifyUrls = (): readonly unknown[] => [...new Set(zoho.watch.rows().map(({ notifyUrl }) => notifyUrl))];

/** Posts until each was answered 200 once; a refused connection or a cut one is tried again, as Zoho would or would not. */
async function postAll(
  standIn: StandIn,
  count: number,
  onAnswered: (answered: number) => void,
): Promise<readonly string[]> {
  const subjects = Array.from({ length: count }, (_, i) => `ticket ${i}`);
  const answered: string[] = [];
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let subject = subjects[next++]; subject !== undefined; subject = subjects[next++]) {
      for (;;) {
        const response = await fetch(`${standIn.edge}/webhooks/zoho/desk`, {
          method: "POST",
          body: ticketBody(subject),
          headers: { "content-type": "application/json" },
        }).catch(() => undefined);
        if (response?.status === 200) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      answered.push(subject);
      onAnswered(answered.length);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
  return answered;
}

/** The subjects of all deliveries that were recorded. */
const recorded = (listener: Listener): ReadonlySet<string> =>
  new Set(
    linesOf(listener, "event").map(
      ({ body_b64 }) => /"subject":"([^"]*)"/.exec(Buffer.from(String(body_b64), "base64").toString())?.[1] ?? "",
    ),
  );

describe("listen --tunnel cloudflared", () => {
  it("creates the channel at its URL once it is open, and ends the program", async () => {
    const standIn = await standInCloudflared();
    const listener = await start(["--channel", "Leads.create"], using(standIn));
    expect(notifyUrls()).toEqual([`${urlOfStart(1)}/webhooks/zoho/crm`]);
    expect(await listener.line("ready")).toMatchObject({ public_url: urlOfStart(1) });
    expect(await listener.line("warning")).toMatchObject({
      message: expect.stringContaining(`a request to ${urlOfStart(1)} did not arrive here`),
    });
    expect((await listener.stop()).exitCode).toBe(0);
    expect(standIn.starts().map(({ pid }) => isRunning(pid))).toEqual([false]);
    expect(zoho.watch.rows()).toEqual([]);
  });

  it("says in the ready block that the URL is new each time, and who sees what is sent", async () => {
    const standIn = await standInCloudflared();
    const { err } = await run(["listen", "--port", "0"], {
      ...using(standIn),
      signal: interrupt.signal,
      onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
    });
    expect(err).toContain(`public URL   ${urlOfStart(1)}/webhooks/zoho/<product>
               a new URL at each start; its traffic passes through Cloudflare`);
  });

  it("loses nothing that was answered while the program dies three times, and moves the channel to each new URL", async () => {
    const standIn = await standInCloudflared();
    const listener = await start(["--channel", "Leads.create"], using(standIn));
    const reconnections = () => linesOf(listener, "tunnel").filter(({ state }) => state === "reconnected").length;
    let crashes = 0;
    const answered = await postAll(standIn, 500, (count) => {
      // Each time with some behind it, and many before it.
      if (crashes === 3 || count < 50 + crashes * 100 || reconnections() < crashes) return;
      crashes++;
      standIn.crash();
    });
    expect(answered).toHaveLength(500);
    // On a busy machine the program takes longer to come back than the rest to be posted.
    for (; crashes < 3; crashes++) {
      await expect.poll(reconnections, { timeout: 30_000 }).toBe(crashes);
      standIn.crash();
    }
    await expect.poll(reconnections, { timeout: 30_000 }).toBe(3);
    const known = recorded(listener);
    expect(answered.filter((subject) => !known.has(subject))).toEqual([]);
    await expect.poll(notifyUrls).toEqual([`${urlOfStart(4)}/webhooks/zoho/crm`]);
    expect(linesOf(listener, "tunnel").map(({ state, url, previous_url }) => [state, url, previous_url])).toEqual(
      [1, 2, 3].flatMap((n) => [
        ["down", null, null],
        ["reconnected", urlOfStart(n + 1), urlOfStart(n)],
      ]),
    );
  }, 90_000);

  it("says how to install a missing program, before anything is opened", async () => {
    const { exitCode, err } = await run(["listen", "--tunnel", "cloudflared"], { env: { PATH: tempFolder() } });
    expect([exitCode, err]).toEqual([
      9,
      expect.stringContaining("cloudflared is not installed: it is not on the PATH"),
    ]);
    expect(err).toContain("or set CLOUDFLARED_PATH to the program");
  });

  it("exits with 9 when Cloudflare opens no tunnel", async () => {
    const standIn = await standInCloudflared({ outcomes: ["limited"] });
    const { exitCode, err } = await run(["listen", "--port", "0"], using(standIn));
    expect([exitCode, err]).toEqual([9, expect.stringContaining("429 Too Many Requests")]);
    expect(err).not.toContain("api.trycloudflare.com");
  });

  it("does not start with a list of allowed addresses that it could not try", async () => {
    const standIn = await standInCloudflared();
    const { exitCode, err } = await run(["listen", "--port", "0", "--allow-ip", "203.0.113.7"], using(standIn));
    expect([exitCode, err]).toEqual([9, expect.stringContaining("did not arrive here")]);
    expect(standIn.starts().map(({ pid }) => isRunning(pid))).toEqual([false]);
  });

  it.each([
    [["--public-url", "https://a.example"], "--public-url means your own tunnel, but --tunnel asks for cloudflared"],
    [["--domain", "a.ngrok.app"], "--domain is for ngrok, but --tunnel asks for cloudflared"],
  ])("excludes %j", async (flags, message) => {
    const { exitCode, err } = await run(["listen", "--tunnel", "cloudflared", ...flags], {});
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it("is offered where there is no public URL", async () => {
    const { err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], {});
    expect(err).toContain("use --tunnel cloudflared, which needs no account");
  });
});
