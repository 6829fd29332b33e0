import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";

const CONFIG = "zoho-hooks.config.json";

/** The exit code and first line of a `listen` that ends at once. */
async function listen(tunnel: unknown, argv: readonly string[], env: Record<string, string> = {}) {
  const cwd = folderWith({ [CONFIG]: JSON.stringify({ tunnel }) });
  const { exitCode, err } = await run(["listen", "--port", "0", "--no-store", "--timeout", "1ms", ...argv], {
    cwd,
    env,
    sleep: new TestClock().wait,
  });
  return [exitCode, err.replaceAll(join(cwd, CONFIG), "<file>").split("\n")[0]];
}

describe("the tunnel mode of a layer", () => {
  const domain = { domain: "example.ngrok.app" };
  const noToken = "error: ngrok needs an authtoken, and none is configured";
  // The URL does not reach the receiver; the test only checks that it is tried.
  const url = "https://localhost:1";
  const tried = `error: a request to ${url} did not arrive here:`;

  it.each<[string, unknown, string[], Record<string, string>, number, string]>([
    ["no tunnel before the file's domain", domain, ["--tunnel", "none"], {}, 0, ""],
    ["no tunnel by variable before the file's domain", domain, [], { ZOHO_HOOKS_TUNNEL: "none" }, 0, ""],
    ["a public URL before the file's domain", domain, ["--public-url", url], {}, 9, tried],
    ["no tunnel before the file's public URL", { publicUrl: url }, ["--tunnel", "none"], {}, 0, ""],
    ["a public URL before the file's ngrok", { use: "ngrok" }, ["--public-url", url], {}, 9, tried],
    ["a domain before the file's none", { use: "none" }, ["--domain", "a.example"], {}, 6, noToken],
    ["ngrok before the file's public URL", { publicUrl: url }, ["--tunnel", "ngrok"], {}, 6, noToken],
  ])(
    "takes precedence over another mode of a lower one: %s",
    async (_, tunnel, argv, env, exitCode, first) => {
      const [code, line] = await listen(tunnel, argv, env);
      expect([code, line]).toEqual([exitCode, expect.stringContaining(first)]);
      expect(first === "" ? line : "").not.toMatch(/^error/);
    },
    30_000,
  );

  it.each<[unknown, string[], string]>([
    [
      { use: "none", ...domain },
      [],
      "error: tunnel.domain in <file> needs a tunnel, but tunnel.use in <file> asks for none",
    ],
    [
      domain,
      ["--tunnel", "none", "--domain", "b.example"],
      "error: --domain needs a tunnel, but --tunnel asks for none",
    ],
    [
      {},
      ["--public-url", url, "--domain", "b.example"],
      "error: --domain is for ngrok, but --public-url means your own tunnel",
    ],
  ])("conflicts within one layer, in the words of that layer: %j %j", async (tunnel, argv, message) => {
    expect(await listen(tunnel, argv)).toEqual([2, message]);
  });
});
