import { afterEach, describe, expect, it } from "vitest";
import {
  type LoggedProject,
  leadBody,
  signature,
  startLoggedProject,
  TOKEN,
  ticketBody,
} from "../support/logged-project.ts";
import type { RunResult } from "../support/run.ts";

type Line = Record<string, unknown>;
let project: LoggedProject | undefined;
afterEach(async () => {
  await project?.stop();
  project = undefined;
});

/** `events list --follow --json …`, and what it says. */
function follow(of: LoggedProject, ...argv: string[]) {
  const interrupt = new AbortController();
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  const ended = of.run(["events", "list", "--follow", "--json", ...argv], {
    signal: interrupt.signal,
    onOut(text) {
      lines.push(
        ...text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Line),
      );
      for (const wake of waiting) wake();
    },
  });
  const line = async (type: string, n: number): Promise<Line> => {
    for (;;) {
      const found = lines.find((each) => each.type === type && each.n === n);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
      });
    }
  };
  return {
    lines,
    line,
    async stop(): Promise<RunResult> {
      interrupt.abort();
      return ended;
    },
  };
}

describe("events list --follow", () => {
  it("shows what came before, then each event and where it went, in order, until Ctrl-C", async () => {
    project = await startLoggedProject({
      answer: (response, { body }) => {
        response.statusCode = body.includes("on fire") ? 500 : 200;
        response.end("answer");
      },
    });
    await project.deliver("/webhooks/zoho/crm", leadBody());
    const following = follow(project);
    await following.line("event", 1);
    await project.deliver("/webhooks/zoho/desk", ticketBody());
    await following.line("event", 2);
    await expect.poll(() => following.lines.filter(({ type }) => type === "forward").length).toBe(2);
    await project.deliver("/webhooks/zoho/crm", leadBody({ email: "other@example.com" }));
    expect(await following.line("forward", 3)).toMatchObject({ status: 200, state: "delivered", attempt: 1 });
    const { exitCode, out } = await following.stop();
    expect(exitCode).toBe(0);
    const told = following.lines.map(({ type, n, attempt, state }) => [
      type,
      n,
      ...(type === "forward" ? [attempt, state] : []),
    ]);
    expect(told).toEqual([
      ["event", 1],
      ["event", 2],
      ["forward", 2, 1, "retry"],
      ["forward", 2, 2, "failed"],
      ["event", 3],
      ["forward", 3, 1, "delivered"],
    ]);
    expect(out).not.toContain(TOKEN);
  });

  it("applies the filters to forwarding, too", async () => {
    project = await startLoggedProject();
    const following = follow(project, "--product", "crm", "--limit", "0");
    await project.deliver("/webhooks/zoho/desk", ticketBody("one"));
    await project.deliver("/webhooks/zoho/crm", leadBody());
    await following.line("forward", 2);
    await following.stop();
    expect(following.lines.map(({ type, n }) => [type, n])).toEqual([
      ["event", 2],
      ["forward", 2],
    ]);
  });

  it("shows a replay, with its target masked", async () => {
    project = await startLoggedProject({ forward: false });
    await project.deliver("/webhooks/zoho/crm", leadBody(), {
      "content-type": "application/json",
      ...signature(leadBody()),
    });
    const following = follow(project);
    await following.line("event", 1);
    await project.run(["replay", "1", "--to", `http://127.0.0.1:${project.app.port}/a?token=hush`]);
    expect(await following.line("forward", 1)).toMatchObject({
      state: "delivered",
      target: `http://127.0.0.1:${project.app.port}/a?token=[masked]`,
    });
    expect((await project.run(["events", "show", "1"])).out).toContain("/a?token=[masked]");
    await following.stop();
  });
});
