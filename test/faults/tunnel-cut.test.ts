import { expect, it, onTestFinished } from "vitest";
import { expectNothingLost, IS_LONG, peakOf } from "../support/faults.ts";
import { app } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { startNgrokEdge } from "../support/ngrok-edge.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";

const CUTS = IS_LONG ? 30 : 3;

it("listen behind the real ngrok agent survives cuts of the tunnel, and exits with 9 once it stays away", async () => {
  const cwd = tempFolder();
  const edge = await startNgrokEdge();
  onTestFinished(() => edge.close());
  const target = await app();
  const env = {
    NGROK_AUTHTOKEN: "2abcSecretTokenOfTheTest_7xyz",
    ZOHO_HOOKS_NGROK_SERVER_ADDR: edge.serverAddr,
    ZOHO_HOOKS_NGROK_ROOT_CAS: edge.caFile,
    ZOHO_HOOKS_TUNNEL_TIMEOUT: "10s",
  };
  const listener = await startListenProcess(["--forward-to", target.url], { cwd, env });
  const states = (): unknown[] => listener.lines.flatMap(({ type, state }) => (type === "tunnel" ? [state] : []));
  const load = postLoad({ url: edge.publicUrl(), from: 0, count: 1e6, connections: 8, pauseMs: 5 });
  for (let cut = 1; cut <= CUTS; cut++) {
    await load.until(load.answered.length + 50);
    edge.faults.cutSessions();
    await expect.poll(() => states().slice(-2)).toEqual(["down", "reconnected"]);
    await expect.poll(states).toHaveLength(2 * cut);
  }
  await load.until(load.answered.length + 50);
  await load.stop();
  expect(load.refused.length).toBeGreaterThan(0);
  await target.came(load.answered.length);
  const peakMegabytes = peakOf(listener);
  await edge.faults.stop();
  expect(await listener.ended).toBe(9);
  expect(listener.err()).toContain("has been down for");
  await expectNothingLost({ fault: `${CUTS} cuts of the tunnel`, cwd, loads: [load], peakMegabytes });
});
