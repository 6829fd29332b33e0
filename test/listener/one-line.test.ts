import { describe, expect, it } from "vitest";
import { app, CRM, lead } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { oneAfterTheOther, says } from "../support/target-app.ts";

const headers = { "content-type": "application/json" };

/** `listen` at a terminal, forwarding to these. */
async function listenTo(...targets: readonly string[]) {
  const human = await startHumanListener(
    targets.flatMap((target) => ["--forward-to", target]),
    { outTTY: true, env: { NO_COLOR: "1" } },
  );
  const post = (i: number) => fetch(human.url + CRM, { method: "POST", headers, body: lead(i) });
  return { human, post };
}

describe("an event and its answer at a terminal", () => {
  it("are one line where the app answers quickly", async () => {
    const target = await app();
    const { human, post } = await listenTo(target.url);
    // On a busy machine even this app may be slow.
    let joined: string | undefined;
    for (let i = 1; i <= 50 && joined === undefined; i++) {
      await post(i);
      [, joined] = await human.shown(new RegExp(`#${i} .* B( {2}→ 200 [\\d.]+ ms)?\n`));
    }
    expect(joined).toBeDefined();
    const { out } = await human.stop();
    expect(out.match(/→ 200/g)).toHaveLength(target.seen.length);
  });

  it("are two where the app is slow, which holds up neither this event nor the others", async () => {
    let answer = (): void => {};
    const target = await app((response, { body }) => {
      if (body.includes("lead 1")) answer = () => response.end();
      else response.end();
    });
    const { human, post } = await listenTo(target.url);
    await post(1);
    await post(2);
    await human.shown(/#1 .* B\n.*#2 .* B/);
    answer();
    await human.shown(/#1 +→ 200 {2}/);
    expect((await human.stop()).out.match(/#1 /g)).toHaveLength(2);
  });

  it("are two where the app fails or there are several apps", async () => {
    const target = await app(oneAfterTheOther(says(400), says(200)));
    const failing = await listenTo(target.url);
    await failing.post(1);
    await failing.human.shown(/#1 .* B\n.* #1 +→ 400 .*failed\n/);
    await failing.post(2);
    await failing.human.shown(/#2 .*→ 200/);
    await failing.human.stop();
    const several = await listenTo((await app()).url, (await app()).url);
    await several.post(1);
    await several.human.shown(/#1 .* B\n.* #1 +→ 200 .*\n.* #1 +→ 200 /);
    await several.human.stop();
  });

  it("stay in order, with what is said about an event below its line", async () => {
    const target = await app();
    const { human, post } = await listenTo(target.url);
    const refused = { method: "POST", headers, body: "{" };
    await Promise.all([post(1), fetch(human.url + CRM, refused), post(2)]);
    await human.shown(/#3 .*\n/);
    const { out } = await human.stop();
    expect(out.match(/#\d(?= +crm )/g)).toEqual(["#1", "#2", "#3"]);
    expect(out).toMatch(/#\d .*\n +answered 400: /);
  });

  it("are two in a pipe, where no line waits", async () => {
    const target = await app();
    const human = await startHumanListener(["--forward-to", target.url]);
    await fetch(human.url + CRM, { method: "POST", headers, body: lead(1) });
    await human.shown(/#1 .* B\n.* #1 +→ 200 {2}/);
    await human.stop();
  });
});

it.each([true, false])(
  "rejections for the same reasons in a row refer to the first of them (at a terminal: %s)",
  async (outTTY) => {
    const human = await startHumanListener([], { outTTY, env: { NO_COLOR: "1", ZOHO_WEBHOOK_TOKEN: "t0ken" } });
    const body = (token: string | undefined, ids: readonly string[]): string =>
      JSON.stringify({ module: "Leads", operation: "insert", ids, server_time: 1, query_params: {}, token });
    const post = async (token: string | undefined, i: number): Promise<void> => {
      await fetch(human.url + CRM, { method: "POST", headers, body: body(token, [`415086800000000217${i}`]) });
    };
    for (const [i, token] of ["wrong", "other", "wrong", "t0ken", "wrong", undefined].entries()) await post(token, i);
    await human.shown(/#6 [\s\S]*why: .*\n/);
    const { out } = await human.stop();
    const reasons = out
      .split("\n")
      .flatMap((line) => /#(\d) .* answered (401 as #\d)$|answered 401: (.*)$/.exec(line)?.slice(1) ?? []);
    expect(reasons.filter((each) => each !== undefined)).toEqual([
      "token: the token in the body is not the configured one",
      ...["2", "401 as #1", "3", "401 as #1"],
      "token: the token in the body is not the configured one",
      "token: a token is configured, but the body has none",
    ]);
    expect(out.match(/why: /g)).toHaveLength(3);
  },
);
