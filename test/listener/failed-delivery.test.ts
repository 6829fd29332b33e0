import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_LOG } from "../support/faults.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { oneAfterTheOther, says } from "../support/target-app.ts";

const headers = { "content-type": "application/json" };

describe("a delivery that the app refuses", () => {
  it("is shown with the app's answer, a hint, and the command to send it again", async () => {
    const prose = "guide-signature: the signature does not match the body";
    const target = await app(oneAfterTheOther(says(401, `${prose}, token: s3cret`), says(401), says(404)));
    const cwd = tempFolder();
    const human = await startHumanListener(["--forward-to", target.url], { cwd });
    for (const i of [1, 2, 3]) {
      await fetch(human.url + CRM, { method: "POST", headers, body: lead(i) });
      await human.shown(new RegExp(`#${i} +→ 40\\d .*\n`));
    }
    const { out } = await human.stop();
    expect(out).toContain(`answer: ${prose}, token: [masked]\n`);
    expect(out.split("often it uses a different secret or token")).toHaveLength(2);
    expect(out).toContain("your app has no such route: check the path in --forward-to\n");
    expect(out.split("all failed deliveries: zoho-hooks events list --only failed\n")).toHaveLength(2);
    expect((await run(["events", "show", "1"], { cwd })).out).toContain(`answer: ${prose}, token: [masked]\n`);
  });

  it("is one short line if it repeats the failure before, by status or error", async () => {
    const target = await app(
      oneAfterTheOther(says(404, "no"), says(404, "no"), says(404, "gone"), says(400), says(404, "no"), says(200)),
    );
    const human = await startHumanListener(["--forward-to", target.url]);
    const post = async (i: number, pattern: RegExp): Promise<void> => {
      await fetch(human.url + CRM, { method: "POST", headers, body: lead(i) });
      await human.shown(pattern);
    };
    await post(1, /#1 +→ 404 .*failed\n(.*\n)*.* replay 1\n/);
    await post(2, /#2 +→ 404 .*failed {2}as #1\n/);
    await post(3, /#3 +→ 404 .*failed {2}as #1\n +answer: gone\n/);
    await post(4, /#4 +→ 400 .*failed\n(.*\n)*.* replay 4\n/);
    await post(5, /#5 +→ 404 .*failed\n +answer: no\n.* replay 5\n/);
    await post(6, /#6 +→ 200/);
    target.answer(says(404, "no"));
    await post(7, /#7 +→ 404 .*failed\n +answer: no\n.* replay 7\n/);
    const { out } = await human.stop();
    expect(out.match(/replay \d/g)).toEqual(["replay 1", "replay 4", "replay 5", "replay 7"]);
    expect(out).toMatch(/as #1\n\S+ #3 /);
  });

  it("is not blamed on an app that is not running, by send to a mirroring listen", async () => {
    const cwd = tempFolder();
    const flags = ["--respond", "mirror", "--forward-to", String(await freePort())];
    const human = await startHumanListener(flags, { cwd });
    const { out } = await run(["send", "crm", "Leads.create"], { cwd });
    await human.stop();
    expect(out).toContain("listen got no answer from your app: is it running?");
    expect(out).not.toContain("your app failed");
  });

  it("is told as slow, and not as down, by send to a listen that mirrors a slow app", async () => {
    const cwd = tempFolder();
    const target = await app(() => {});
    const flags = ["--respond", "mirror", "--forward-to", target.url];
    const human = await startHumanListener(flags, { cwd, env: { ZOHO_HOOKS_FORWARD_TIMEOUT: "200ms" } });
    const { out } = await run(["send", "crm", "Leads.create"], { cwd });
    await human.stop();
    expect(out).toContain("your app took too long to answer listen: let it answer first, and do the work after that");
    expect(out).not.toContain("is it running?");
  });

  it.skipIf(lacks("posix"))("is not blamed on the app, by send to a listen that cannot record it", async () => {
    const cwd = tempFolder();
    const listener = await listen([], { cwd });
    rmSync(join(cwd, DEFAULT_LOG));
    // Any answer comes too late.
    const overrides = { answerWithinMs: 0.001 };
    const { out, err } = await run(["send", "crm", "Leads.create", "--to", listener.url + CRM], { cwd, overrides });
    expect(out).toContain("503");
    expect(out).toContain("listen itself could not take it: the reason is in its answer and its output");
    expect(out + err).not.toMatch(/your app|too late/);
  });
});

it.each(["http//x", "https/x", "http:/x"])("rejects a route to %s, which is not a host", async (to) => {
  const { exitCode, err } = await run(["listen", "--port", "0", "--route", `crm:Leads.create=${to}`]);
  expect([exitCode, err]).toEqual([2, expect.stringContaining(`--route: "${to}" is not a target`)]);
});
