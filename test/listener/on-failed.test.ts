import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { says, yes } from "../support/target-app.ts";
import { TestClock } from "../support/test-clock.ts";

let cwd: string;
let clock: TestClock;

beforeEach(() => {
  cwd = tempFolder();
  clock = new TestClock();
});

const options = (): RunOptions => ({
  cwd,
  now: clock.now,
  sleep: clock.wait,
  env: { PATH: process.env.PATH ?? "", SystemRoot: process.env.SystemRoot ?? "" },
});

/** Appends what it got. It is in a file since shells quote differently. */
function command(rest = ""): string {
  const text = `
    import { appendFileSync } from "node:fs";
    const own = Object.entries(process.env).filter(([name]) => name.startsWith("ZOHO_HOOKS_FAILED_"));
    appendFileSync("alarms.jsonl", JSON.stringify(Object.fromEntries(own)) + "\\n");
    ${rest}`;
  writeFileSync(join(cwd, "alarm.mjs"), text);
  return "node alarm.mjs";
}

function alarms(): readonly Record<string, string>[] {
  const path = join(cwd, "alarms.jsonl");
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, string>]));
}

const facts = (target: string, state: string, reason: unknown, numbers: string) => ({
  ZOHO_HOOKS_FAILED_TARGET: target,
  ZOHO_HOOKS_FAILED_STATE: state,
  ZOHO_HOOKS_FAILED_REASON: reason,
  ZOHO_HOOKS_FAILED_COUNT: String(numbers === "" ? 0 : numbers.split(" ").length),
  ZOHO_HOOKS_FAILED_NUMBERS: numbers,
});

describe("listen --on-failed", () => {
  it("runs the command at once, then at most once a minute, with all that has failed in between", async () => {
    const target = await app(says(404));
    const { post, line } = await listen(
      [target.url, "--on-failed", command('console.log("from the alarm");')],
      options(),
    );
    for (const n of [1, 2, 3]) {
      await post(n === 2 ? "/webhooks/zoho" : CRM, lead(n));
      await line("forward", { n, state: "failed" });
    }
    await expect.poll(alarms).toEqual([facts(target.url, "failed", "answered 404", "1")]);
    clock.advance(59_000);
    await post(CRM, lead(4));
    await line("forward", { n: 4, state: "failed" });
    expect(alarms()).toHaveLength(1);
    clock.advance(1_000);
    await expect.poll(alarms).toHaveLength(2);
    expect(alarms()[1]).toEqual(facts(target.url, "failed", "answered 404", "2 3 4"));
    // After a quiet minute the next failure is told at once.
    clock.advance(60_000);
    await post(CRM, lead(5));
    await expect.poll(alarms).toHaveLength(3);
    expect(alarms()[2]).toEqual(facts(target.url, "failed", "answered 404", "5"));
  });

  it("tells when the app goes down, and not when it is soon back", async () => {
    const target = await app(yes);
    const { post, line } = await listen([target.url, "--on-failed", command()], options());
    await target.stop();
    await post(CRM, lead(1));
    await line("target", { state: "down" });
    await expect.poll(alarms).toEqual([facts(target.url, "down", expect.stringContaining("nothing listens on"), "")]);
    await target.start();
    await line("forward", { n: 1, state: "delivered" });
    await target.stop();
    await post(CRM, lead(2));
    await line("target", { state: "down" }, 2);
    await target.start();
    await line("forward", { n: 2, state: "delivered" });
    clock.advance(60_000);
    // Another failure shows that the minute is over.
    target.answer(says(400));
    await post(CRM, lead(3));
    await expect.poll(alarms).toHaveLength(2);
    expect(alarms()[1]).toMatchObject({ ZOHO_HOOKS_FAILED_STATE: "failed", ZOHO_HOOKS_FAILED_NUMBERS: "3" });
  });

  it("tells of mirrored deliveries, and of each app on its own", async () => {
    const [first, second] = [await app(says(500)), await app(says(410))];
    const argv = [first.url, "--forward-to", second.url, "--respond", "mirror", "--on-failed", command()];
    const { post } = await listen(argv, options());
    expect(await post(CRM, lead(1))).toMatchObject({ status: 500 });
    await expect
      .poll(() =>
        alarms()
          .map((each) => each.ZOHO_HOOKS_FAILED_TARGET)
          .toSorted(),
      )
      .toEqual([first.url, second.url].toSorted());
  });

  it("tells of the rest at the end of a run, and waits for the command", async () => {
    const target = await app(says(404));
    const argv = [target.url, "--expect", "crm:Leads.create=3", "--on-failed", command()];
    const { post, finished } = await listen(argv, options());
    for (const n of [1, 2, 3]) await post(CRM, lead(n));
    expect((await finished).exitCode).toBe(5);
    expect(
      alarms()
        .flatMap((each) => each.ZOHO_HOOKS_FAILED_NUMBERS?.split(" ") ?? [])
        .toSorted(),
    ).toEqual(["1", "2", "3"]);
  });

  it("is not waited for when the program of --exec has ended: it gets a SIGTERM after two seconds", async () => {
    const target = await app(says(404));
    writeFileSync(
      join(cwd, "program.mjs"),
      `import { existsSync } from "node:fs";
       await fetch(process.env.ZOHO_HOOKS_URL_CRM, {
         method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(lead(1))} });
       while (!existsSync("alarms.jsonl")) await new Promise((resolve) => setTimeout(resolve, 10));`,
    );
    const slow = command('process.on("SIGTERM", () => process.exit(1)); setTimeout(() => {}, 60_000);');
    const argv = ["listen", target.url, "--port", "0", "--on-failed", slow, "--exec", "node program.mjs"];
    const { env = {} } = options();
    const startedAt = performance.now();
    const { exitCode, err } = await run(argv, { cwd, env });
    expect([exitCode, err]).toEqual([
      5,
      expect.stringContaining(
        `the command of --on-failed for 1 delivery for ${target.url} was stopped 2s after the end of this run`,
      ),
    ]);
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });

  it("runs at most once a minute for an app that fails and goes down", async () => {
    const target = await app(says(404));
    const { post, line } = await listen([target.url, "--on-failed", command()], options());
    await post(CRM, lead(1));
    await expect.poll(alarms).toHaveLength(1);
    await target.stop();
    await post(CRM, lead(2));
    await line("target", { state: "down" });
    clock.advance(59_000);
    await target.start();
    await line("forward", { n: 2, state: "failed" });
    await target.stop();
    await post(CRM, lead(3));
    await line("target", { state: "down" }, 2);
    expect(alarms()).toHaveLength(1);
    clock.advance(1_000);
    await expect.poll(alarms).toHaveLength(2);
    expect(alarms()[1]).toEqual(facts(target.url, "down", expect.stringContaining("nothing listens on"), "2"));
  });

  it("warns of a command that fails, and goes on", async () => {
    const target = await app(says(404));
    const { post, line } = await listen([target.url, "--on-failed", command("process.exit(3);")], options());
    await post(CRM, lead(1));
    expect(await line("warning")).toMatchObject({
      message: `the command of --on-failed for 1 delivery for ${target.url} exited with 3`,
    });
    expect(await post(CRM, lead(2))).toMatchObject({ status: 200 });
  });

  it("needs a target and a command, and is no setting of a project", async () => {
    const refused = await run(["listen", "--port", "0", "--on-failed", "x"], { cwd });
    expect([refused.exitCode, refused.err]).toEqual([2, expect.stringContaining("this run forwards nothing")]);
    const empty = await run(["listen", "3000", "--port", "0", "--on-failed", " "], { cwd });
    expect([empty.exitCode, empty.err]).toEqual([2, expect.stringContaining("--on-failed is empty")]);
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify({ onFailed: "x" }));
    expect((await run(["listen", "3000", "--port", "0"], { cwd })).err).toContain("there is no such setting");
  });

  it("sets variables that zoho-hooks itself does not warn of", async () => {
    const env = { ...options().env, ...facts("x", "failed", "x", "1") } as Record<string, string>;
    expect((await run(["send", "crm", "Leads.create", "--dry-run"], { cwd, env })).err).not.toContain("has no effect");
  });
});
