import { describe, expect, it, type TestContext } from "vitest";
import { startNgrokEdge } from "../support/ngrok-edge.ts";
import { openThrough, startLocalReceiver } from "../support/tunnelled-receiver.ts";

/** The agent sends a heartbeat every 10 s, and waits 15 s for its answer. */
const timeout = 60_000;

/** A tunnel by the real agent whose edge has fallen silent on an open connection. */
async function silentTunnel({ onTestFinished }: TestContext) {
  const edge = await startNgrokEdge();
  onTestFinished(() => edge.close());
  const local = await startLocalReceiver();
  onTestFinished(() => local.close());
  const { tunnel, said } = await openThrough(edge, local);
  // Before the edge: an agent whose edge goes first tries to get it back.
  onTestFinished(() => tunnel.close());
  const [silent] = edge.sessions();
  edge.faults.freezeSessions();
  expect((await said("down")).reason).toBe("ngrok has stopped answering");
  return { edge, silent, said };
}

describe.concurrent("a tunnel whose edge falls silent on an open connection", { timeout }, () => {
  it("is replaced", async (test) => {
    const { edge, silent, said } = await silentTunnel(test);
    silent?.cut();
    await said("reconnected");
    expect(edge.bindings()).toHaveLength(1);
  });

  it("is replaced when its silent session comes back late, after the new one", async (test) => {
    const { edge, silent, said } = await silentTunnel(test);
    edge.faults.delayAuth(2_500);
    silent?.cut();
    expect((await said("reconnected")).downMs).toBeLessThan(15_000);
    // The old session ends at its first heartbeat.
    await edge.until(() => edge.bindings().length === 1);
  });

  it("serves nothing any more over a silent connection that it has given up, and that comes back to life", async (test) => {
    const { edge, silent, said } = await silentTunnel(test);
    await edge.until(() => edge.bindings().length === 2);
    silent?.thaw();
    await said("reconnected");
    await edge.until(() => edge.bindings().length === 1);
    expect(edge.unbinds).toHaveLength(1);
  });
});
