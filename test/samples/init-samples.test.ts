import { afterEach, describe, expect, it } from "vitest";
import { type Listener, startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("listen in the environment that init makes", () => {
  it.each([
    [[], ["guide", "workflow"]],
    [["--products", "crm,recruit,creator,forms,survey,campaigns,sign"], ["wire"]],
    [
      ["--products", "crm,recruit,forms,survey,campaigns,sign", "--format", "wire"],
      ["guide", "wire", "workflow"],
    ],
  ])("accepts the samples of send, after init %j, in the formats %j", async (flags, formats) => {
    const cwd = tempFolder();
    expect((await run(["init", "--yes", ...flags], { cwd })).exitCode).toBe(0);
    listener = await startListener([], { cwd });
    const to = ["--to", `${listener.url}/webhooks/zoho/:product`];
    for (const format of formats) {
      const { exitCode, err } = await run(["send", "--all", "--concurrency", "32", "--format", format, ...to], { cwd });
      expect(exitCode, `${format}: ${err}`).toBe(0);
    }
  });
});
