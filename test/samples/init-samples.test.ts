import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
    [[], "guide", {}],
    [["--products", "recruit,creator,forms,survey,campaigns,sign"], "wire", {}],
    // As the output of init says.
    [["--products", "crm,recruit,sign"], "workflow", { allowUnsigned: ["crm", "recruit"] }],
  ] as const)("accepts the samples of send, after init %j, in the format %s", async (flags, format, more) => {
    const cwd = tempFolder();
    expect((await run(["init", "--yes", ...flags], { cwd })).exitCode).toBe(0);
    const path = join(cwd, "zoho-hooks.config.json");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...more }));
    listener = await startListener([], { cwd });
    const to = ["--to", `${listener.url}/webhooks/zoho/:product`];
    const { exitCode, err } = await run(["send", "--all", "--concurrency", "32", "--format", format, ...to], { cwd });
    expect(exitCode, err).toBe(0);
  });
});
