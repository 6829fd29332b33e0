import { afterEach, describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const AUTH = "p3arl-0f-wisdom";
const env = { ZOHO_WEBHOOK_AUTH: AUTH };

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

const places = [
  ["a header", { header: "x-hook-key" }, "x-hook-key"],
  ["a parameter of the URL", { parameter: "knock" }, "knock"],
] as const;

describe.each(places)("the value of the user's own in %s", (_where, auth, name) => {
  it("is shown by no command unless it is asked for", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { survey: { format: "wire", auth } } }),
    });
    listener = await startListener([], { cwd, env });
    const sent = await run(["send", "survey", "response_submitted", "--to", `${listener.url}/webhooks/zoho/survey`], {
      cwd,
      env,
    });
    expect(sent.exitCode).toBe(0);
    expect(sent.out + sent.err).not.toContain(AUTH);
    const { proofs } = await listener.event(1);
    expect(proofs).toEqual([{ id: "static-auth", proves: "sender", verdict: "passed", reason: expect.any(String) }]);
    await listener.stop();
    for (const argv of [
      ["events", "show", "1"],
      ["events", "list", "--json"],
      ["events", "export", "--format", "har"],
      ["replay", "1", "--dry-run", "--to", "3000"],
    ]) {
      const { exitCode, out, err } = await run(argv, { cwd, env });
      expect([argv, exitCode]).toEqual([argv, 0]);
      expect(out + err, argv.join(" ")).not.toContain(AUTH);
      expect(out, argv.join(" ")).toContain(name);
    }
    expect((await run(["events", "show", "1", "--show-secrets"], { cwd, env })).out).toContain(AUTH);
  });

  it("is masked by listen -v", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { survey: { format: "wire", auth } } }),
    });
    let shown = "";
    const { exitCode, out } = await run(["listen", "--port", "0", "-v", "--expect", "survey:*=1"], {
      cwd,
      env,
      onErr(text) {
        const before = shown;
        shown += text;
        const url = /Listening on (\S+)/.exec(shown)?.[1];
        if (url === undefined || before.includes("Listening on")) return;
        void run(["send", "survey", "response_submitted", "--to", `${url}/webhooks/zoho/survey`], { cwd, env });
      },
    });
    expect(exitCode).toBe(0);
    expect(out).toContain(name);
    expect(out).not.toContain(AUTH);
  });
});
