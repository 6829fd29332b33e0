import { describe, expect, it, onTestFinished } from "vitest";
import { startBin } from "../support/bin.ts";
import { isRunning, type StandIn, standInCloudflared, urlOfStart } from "../support/cloudflared.ts";
import { lacks } from "../support/needs.ts";
import { freePort, startTarget } from "../support/target.ts";
import { TerminalShell } from "../support/tmux.ts";
import { startZohoServer } from "../support/zoho-server.ts";

const running = (standIn: StandIn): readonly boolean[] => standIn.starts().map(({ pid }) => isRunning(pid));

describe("listen --tunnel cloudflared, as it is built", { timeout: 90_000 }, () => {
  it("leaves no program behind when it is killed", async () => {
    const standIn = await standInCloudflared();
    const listen = startBin(["listen", "--port", "0", "--tunnel", "cloudflared"], {
      env: { CLOUDFLARED_PATH: standIn.path },
    });
    await expect.poll(() => standIn.starts(), { timeout: 20_000 }).toHaveLength(1);
    // Until then it could not have been told.
    await expect
      .poll(
        () =>
          fetch(`${standIn.edge}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(200);
    listen.kill("SIGKILL");
    await listen.ended;
    await expect.poll(() => running(standIn), { timeout: 20_000 }).toEqual([false]);
  });

  it.skipIf(lacks("tmux"))("opens and closes by a key, while deliveries go on, and ends with Ctrl-C", async () => {
    const standIn = await standInCloudflared();
    const app = await startTarget();
    const port = await freePort();
    const shell = new TerminalShell({ env: { CLOUDFLARED_PATH: standIn.path } });
    shell.enter(`$Z listen ${app.port} --port ${port}; echo "exit $?"`);
    await shell.shown(/public URL +none: press t for one, set NGROK_AUTHTOKEN, or use --public-url/);
    shell.type("t");
    await shell.last(/^Opening a tunnel of Cloudflare/);
    // Other keys work meanwhile.
    shell.type("?");
    await shell.shown(/open a public URL, of Cloudflare unless/);
    await shell.shown(new RegExp(`tunnel up: ${urlOfStart(1)}`));
    await shell.shown(/its traffic passes through Cloudflare/);
    await shell.last(/made-up-words-1\.trycloudflare\.invalid · /);
    const post = (): Promise<number> =>
      fetch(`${standIn.edge}/webhooks/zoho/crm`, { method: "POST", body: "{}" }).then(
        ({ status }) => status,
        () => 0,
      );
    expect(await post()).not.toBe(0);
    shell.type("t");
    await shell.shown(/tunnel closed: Zoho cannot reach you until you open it again/);
    expect(running(standIn)).toEqual([false]);
    expect(await post()).toBe(0);
    await shell.last(new RegExp(`http://127\\.0\\.0\\.1:${port} · `));
    shell.type("t");
    await shell.shown(new RegExp(`tunnel up: ${urlOfStart(2)}`));
    shell.press("C-c");
    await shell.shown(/^exit 0$/m);
    expect(running(standIn)).toEqual([false, false]);
    await app.close();
  });

  it.skipIf(lacks("tmux"))("moves what is registered when a key closes and opens it", async () => {
    const standIn = await standInCloudflared();
    const zoho = await startZohoServer();
    onTestFinished(() => zoho.close());
    const shell = new TerminalShell({
      env: {
        CLOUDFLARED_PATH: standIn.path,
        ZOHO_CLIENT_ID: zoho.accounts.clientId,
        ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
        ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(["ZohoSign.account.ALL"]),
        ZOHO_ACCOUNTS_URL: zoho.url,
        ZOHO_API_URL: zoho.url,
      },
    });
    const urls = () => zoho.sign.hooks.map(({ form }) => form.webhook_url);
    shell.enter(`$Z listen --port 0 --tunnel cloudflared --register 'sign:*'; echo "exit $?"`);
    await shell.shown(/registered +sign Sent, Viewed, .* \(webhook \d+\)/);
    expect(urls()).toEqual([`${urlOfStart(1)}/webhooks/zoho/sign`]);
    shell.type("t");
    await shell.shown(/webhook \d+ still posts to https:\/\/made-up-words-1/);
    shell.type("t");
    await expect.poll(urls, { timeout: 20_000 }).toEqual([`${urlOfStart(2)}/webhooks/zoho/sign`]);
    shell.press("C-c");
    await shell.shown(/^exit 0$/m);
    expect(urls()).toEqual([]);
  });

  it.skipIf(lacks("tmux"))("ends a tunnel that is being opened by a key", async () => {
    const standIn = await standInCloudflared({ connectMs: 60_000 });
    const shell = new TerminalShell({ env: { CLOUDFLARED_PATH: standIn.path } });
    shell.enter(`$Z listen --port 0; echo "exit $?"`);
    await shell.shown(/press t for one/);
    shell.type("t");
    await expect.poll(() => standIn.starts(), { timeout: 20_000 }).toHaveLength(1);
    shell.press("C-c");
    await shell.shown(/^exit 0$/m);
    expect(running(standIn)).toEqual([false]);
  });

  it.skipIf(lacks("tmux"))("says how to install a program that is missing, and goes on", async () => {
    const shell = new TerminalShell({ env: { CLOUDFLARED_PATH: "/nowhere/cloudflared" } });
    shell.enter("$Z listen --port 0");
    await shell.shown(/press t for one/);
    shell.type("t");
    await shell.shown(/there is no program at \/nowhere\/cloudflared, which CLOUDFLARED_PATH names/);
    await shell.shown(/correct it .* or leave it out to use the PATH/);
    await shell.last(/\? keys$/);
  });
});
