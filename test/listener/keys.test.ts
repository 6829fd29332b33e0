import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import type { BottomLine } from "../../src/commands/listen/keys/bottom-line.ts";
import { CommandQueue } from "../../src/commands/listen/keys/command-queue.ts";
import { actionsIn, BINDINGS } from "../../src/commands/listen/keys/keymap.ts";
import { RecentEvents } from "../../src/commands/listen/keys/recent-events.ts";
import { Screen } from "../../src/commands/listen/keys/screen.ts";
import { type Status, statusLine } from "../../src/commands/listen/keys/status-line.ts";
import type { ForwardReport } from "../../src/forward/lines.ts";
import type { EventReport } from "../../src/receiver/event-report.ts";
import type { Report } from "../../src/reports/text.ts";

describe("keys", () => {
  it("are read from what a terminal sends", () => {
    expect(actionsIn("\u001b[A\u001bOBr\u0003😀?")).toEqual(["older", "newer", "replay", "interrupt", "help"]);
    expect(actionsIn("\u001b[1;5C\u001b[3~q")).toEqual(["quit"]);
    expect(actionsIn("\u001b")).toEqual([]);
  });

  it("are not taken from a pasted text", () => {
    expect(actionsIn("curl -X POST http://localhost")).toEqual([]);
    expect(actionsIn("rrrrrrrrrrrrrrr")).toHaveLength(15);
  });

  it("have one action each", () => {
    const keys = BINDINGS.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

function eventReport(n: number, more: { readonly refusal?: string; readonly shown?: boolean } = {}): EventReport {
  const receipt = {
    product: "crm",
    event: `Event.${n}`,
    known: true,
    custom: false,
    verdicts: [],
    schema: { ok: true },
  };
  const event = { n, method: "POST", path: "/", shown: true, ...more, receipt };
  return { type: "event", n, person: { event } } as unknown as EventReport;
}

function forwardReport(n: number, state: ForwardReport["state"], status: number): ForwardReport {
  return { type: "forward", n, state, status, error: null } as unknown as ForwardReport;
}

function eventsUpTo(count: number, ...failed: readonly number[]): RecentEvents {
  const recent = new RecentEvents();
  for (let n = 1; n <= count; n++)
    recent.note(failed.includes(n) ? eventReport(n, { refusal: "wrong" }) : eventReport(n));
  return recent;
}

describe("the selected event", () => {
  it("is the newest until another one is chosen, and again after the last one", () => {
    const recent = eventsUpTo(3);
    recent.move(-1);
    recent.note(eventReport(4));
    expect(recent.selected?.n).toBe(2);
    for (const _ of [1, 2, 3]) recent.move(1);
    recent.note(eventReport(5));
    expect(recent.selected?.n).toBe(5);
    for (const _ of [1, 2, 3, 4, 5, 6]) recent.move(-1);
    expect(recent.selected).toMatchObject({ n: 1, name: "crm Event.1" });
  });

  it("is marked while it has failed or was rejected, until a replay has delivered it", () => {
    const recent = eventsUpTo(3, 2);
    recent.note(forwardReport(3, "retry", 500));
    expect([recent.received, recent.rejected, recent.failed]).toEqual([3, 1, 0]);
    recent.note(forwardReport(3, "failed", 500));
    recent.note(forwardReport(3, "failed", 500));
    expect([recent.rejected, recent.failed, recent.hasFailed(3), recent.hasFailed(2)]).toEqual([1, 1, true, false]);
    expect(recent.selected).toMatchObject({ n: 3, failed: true });
    recent.resolve(3);
    expect([recent.failed, recent.selected?.failed]).toEqual([0, false]);
    recent.move(-1);
    expect(recent.selected).toMatchObject({ n: 2, failed: true });
  });

  it("is never one that is filtered out or could not be recorded, though both are counted", () => {
    const recent = eventsUpTo(1);
    recent.note(eventReport(2, { shown: false }));
    recent.note(eventReport(0));
    expect([recent.selected?.n, recent.received, recent.hidden]).toEqual([1, 3, 1]);
  });

  it("is kept from a bounded number of events", () => {
    const recent = eventsUpTo(5000);
    for (let i = 0; i < 5000; i++) recent.move(-1);
    expect(recent.selected?.n).toBe(2001);
  });
});

const status: Status = {
  busy: undefined,
  selected: { n: 12, name: "crm Leads.create", failed: true },
  paused: 4,
  url: "https://example.ngrok.app",
  received: 20,
  failed: 2,
  rejected: 3,
  hidden: 5,
  waiting: 1,
  app: "down",
  registered: [{ kind: "channel", time_left_ms: 23 * 3_600_000, isLost: false }],
};

describe("the last line", () => {
  it("shows everything where there is room", () => {
    expect(statusLine(status, 250)).toBe(
      "paused, 4 new · #12 ✗ · crm Leads.create · https://example.ngrok.app · 20 received · " +
        "2 failed · 3 rejected · 5 hidden · 1 waiting · app down · channel 23h left · ? keys",
    );
  });

  it.each([132, 100, 80, 60, 40, 20, 2])("is narrower than a terminal of %d columns", (columns) => {
    const line = statusLine(status, columns);
    expect(line.length).toBeLessThan(columns);
    if (columns >= 40) expect(line).toMatch(/^paused, 4 new · #12 ✗/);
  });

  it("says that the channel is lost, also where there is little room", () => {
    const lost = { ...status, registered: [{ kind: "channel", time_left_ms: null, isLost: true } as const] };
    expect(statusLine(lost, 250)).toContain(" · app down · channel lost · ? keys");
    expect(statusLine({ ...lost, paused: undefined }, 80)).toContain("channel lost");
  });

  it("leaves out what does not apply", () => {
    const nothing = {
      selected: undefined,
      paused: undefined,
      registered: [],
    };
    const line = statusLine(
      { ...status, ...nothing, failed: 0, rejected: 0, hidden: 0, waiting: 0, received: 0, app: undefined },
      100,
    );
    expect(line).toBe("https://example.ngrok.app · 0 received · ? keys");
  });

  it("shows no control characters of a sender", () => {
    const selected = { n: 1, name: "crm \u001b[2JX\u202e", failed: false };
    expect(statusLine({ ...status, selected }, 200)).toContain("crm [2JX");
  });
});

describe("the queue of commands", () => {
  function createQueue() {
    const seen: (string | undefined)[] = [];
    const over = new AbortController();
    const queue: CommandQueue = new CommandQueue({
      signal: over.signal,
      onChange: () => seen.push(queue.busy),
      onFailure: async (error) => void seen.push((error as Error).message),
    });
    return { queue, seen, over };
  }

  it("runs one after another, and goes on after a failure", async () => {
    const { queue, seen } = createQueue();
    queue.add("first", () => Promise.reject(new Error("failed")));
    queue.add("second", async () => {});
    await queue.ended();
    expect(seen).toEqual(["first", "failed", undefined, "second", undefined]);
  });

  it("takes no more than ten at a time", async () => {
    const { queue } = createQueue();
    let count = 0;
    const read = (): void => queue.add("reading", async () => void count++);
    for (let i = 0; i < 12; i++) read();
    await queue.ended();
    expect(count).toBe(10);
    read();
    await queue.ended();
    expect(count).toBe(11);
  });

  it("starts nothing once it is over, and shows no failure of what was running", async () => {
    const { queue, seen, over } = createQueue();
    queue.add("first", async () => {
      over.abort();
      throw new Error("aborted");
    });
    queue.add("second", async () => void seen.push("ran"));
    await queue.ended();
    expect(seen).not.toContain("aborted");
    expect(seen).not.toContain("ran");
  });

  it("does not wait for ever for a command that is still running", async () => {
    const { queue } = createQueue();
    queue.add("reading", () => new Promise(() => {}));
    await expect(queue.ended()).resolves.toBeUndefined();
  });
});

describe("the output", () => {
  const event = (n: number, bytes: number): Report => {
    const report = eventReport(n);
    return { ...report, person: { event: { ...report.person.event, body: Buffer.alloc(bytes) } } };
  };

  function createScreen() {
    const shown: Report[] = [];
    const context = { report: (report: Report) => shown.push(report) };
    const line = { erase() {}, schedule() {} };
    return { shown, screen: new Screen(context as unknown as CommandContext, line as unknown as BottomLine) };
  }

  it("shows everything in order once it is no longer paused", () => {
    const { screen, shown } = createScreen();
    screen.show(event(1, 10));
    screen.pause();
    for (const n of [2, 3]) screen.show(event(n, 10));
    expect([screen.paused, shown]).toMatchObject([2, [{ n: 1 }]]);
    screen.resume();
    expect([screen.paused, shown]).toMatchObject([undefined, [{ n: 1 }, { n: 2 }, { n: 3 }]]);
  });

  it("keeps 2,000 reports and 8 MB of bodies while it is paused, and says how many it left out", () => {
    const many = createScreen();
    many.screen.pause();
    for (let n = 1; n <= 2001; n++) many.screen.show(event(n, 10));
    expect(many.screen.paused).toBe(2001);
    many.screen.resume();
    expect(many.shown.at(-1)).toMatchObject({ message: "1 report was left out while the output was paused" });
    const large = createScreen();
    large.screen.pause();
    for (const n of [1, 2, 3]) large.screen.show(event(n, 4_000_000));
    large.screen.resume();
    expect(large.shown).toMatchObject([{ n: 1 }, { n: 2 }, { message: expect.stringContaining("1 report was") }]);
  });
});
