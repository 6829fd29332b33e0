import { expect, it } from "vitest";
import { run } from "../support/run.ts";

const URL_WITH_SECRETS = "https://user:hunter2@example.com/hook?token=hunter3";

it.each([
  ["a file of verify", ["verify", URL_WITH_SECRETS]],
  ["a number of events diff", ["events", "diff", URL_WITH_SECRETS, "2"]],
  ["a command", [URL_WITH_SECRETS]],
  ["a port", ["listen", "--port", URL_WITH_SECRETS]],
])("masks the secrets of a URL that is typed as %s", async (_, argv) => {
  const { exitCode, err } = await run(argv);
  expect([exitCode, err]).toEqual([2, expect.stringContaining("https://[masked]@example.com/hook?token=[masked]")]);
  expect(err).not.toMatch(/hunter/);
  const json = await run([...argv, "--json"]);
  expect(json.out + json.err).not.toMatch(/hunter/);
});

it("masks it in the environment, too", async () => {
  const { err } = await run(["listen"], { env: { ZOHO_HOOKS_PORT: URL_WITH_SECRETS } });
  expect(err).toContain('"https://[masked]@example.com/hook?token=[masked]" is not a whole number');
});

it("is not shown when it is given as the path of a log", async () => {
  const { exitCode, err } = await run(["store", "status", "--store", URL_WITH_SECRETS]);
  expect([exitCode, err]).toEqual([
    2,
    expect.stringMatching(/neither a file nor the address of a PostgreSQL database/),
  ]);
  expect(err).not.toContain("example.com");
});
