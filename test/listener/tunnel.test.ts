import { afterEach, describe, expect, it } from "vitest";
import { type Listener, startListener } from "../support/listener.ts";
import { startProxy } from "../support/proxy.ts";
import { run } from "../support/run.ts";
import { closeAfterEach, target } from "../support/send.ts";
import { freePort } from "../support/target.ts";
import { TestClock } from "../support/test-clock.ts";

let listener: Listener | undefined;
closeAfterEach();
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("listen without ngrok", () => {
  it("exits with 6 if ngrok is requested without a token", async () => {
    const { exitCode, err } = await run(["listen", "--port", "0", "--tunnel", "ngrok"]);
    expect(exitCode).toBe(6);
    expect(err).toContain("NGROK_AUTHTOKEN");
  });

  it("listens locally without a token, and says how to get a public URL", async () => {
    listener = await startListener();
    const ready = listener.lines().find((line) => line.type === "ready");
    expect(ready?.public_url).toBeNull();
    expect(String(ready?.notes)).toContain("NGROK_AUTHTOKEN");
  });

  it("probes the user's own public URL through the proxy of the environment", async () => {
    const asked: string[] = [];
    const port = await freePort();
    const env = { HTTP_PROXY: `http://127.0.0.1:${await startProxy(port, asked)}` };
    listener = await startListener(["--port", String(port), "--public-url", "http://hooks.invalid"], { env });
    expect(listener.lines().find((line) => line.type === "ready")?.public_url).toBe("http://hooks.invalid");
    expect(asked[0]).toBe("hooks.invalid:80");
  });

  it("exits with 9 if the user's own public URL leads elsewhere", async () => {
    const elsewhere = await target();
    const { sleep } = new TestClock();
    const { exitCode, err } = await run(["listen", "--port", "0", "--public-url", elsewhere.url], { sleep });
    expect(exitCode).toBe(9);
    expect(err).toContain("did not arrive here");
    // It retries for a while: a tunnel may still be opening.
    expect(elsewhere.seen).toHaveLength(4);
  });
});
