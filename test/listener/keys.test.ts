import { describe, expect, it } from "vitest";
import { CommandQueue } from "../../src/commands/listen/keys/command-queue.ts";
import { actionOf, BINDINGS, editLine, parseKeys } from "../../src/commands/listen/keys/keymap.ts";
import { Prompt } from "../../src/commands/listen/keys/prompt.ts";
import { RecentEvents } from "../../src/commands/listen/keys/recent-events.ts";
import { ReportBuffer } from "../../src/commands/listen/keys/report-buffer.ts";
import { type Status, statusLine } from "../../src/commands/listen/keys/status-line.ts";
import type { ForwardReport } from "../../src/forward/lines.ts";
import type { EventReport } from "../../src/receiver/event-report.ts";
import type { Report } from "../../src/reports/report.ts";

describe("keys", () => {
  it("are read from what a terminal sends", () => {
    expect(parseKeys("j\u001b[A\u001bOB\r\u0003é😀\u007f", true)).toEqual([
      "j",
      "up",
      "down",
      "enter",
      "\u0003",
      "é",
      "😀",
      "backspace",
    ]);
    expect(parseKeys("\u001b[1;5C\u001b[3~q", false)).toEqual(["q"]);
    expect(parseKeys("\u001b", false)).toEqual(["escape"]);
  });

  it("are not taken from a pasted text, except into a line of input", () => {
    const pasted = "curl -X POST http://localhost";
    expect(parseKeys(pasted, false)).toEqual([]);
    expect(parseKeys(pasted, true)).toHaveLength(pasted.length);
    expect(parseKeys("jjjjjjjjjjjjjjj", false)).toHaveLength(15);
  });

  it("have one action each", () => {
    const keys = BINDINGS.flatMap((each) => each.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(["k", "up", "q", "z"].map(actionOf)).toEqual(["older", "older", "quit", undefined]);
  });

  it("edit a line", () => {
    const typed = ["a", "é", "😀", "backspace", "up", "\t", "b"].reduce<string>(
      (line, key) => editLine(line, key) ?? "cancelled",
      "",
    );
    expect(typed).toBe("aéb");
    expect(editLine("abc", "\u0015")).toBe("");
    expect(["escape", "\u0003"].map((key) => editLine("abc", key))).toEqual([undefined, undefined]);
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
  return { type: "event", n, method: "POST", path: "/", shown: true, ...more, receipt } as unknown as EventReport;
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

describe("the chosen event", () => {
  it("is the newest until another one is chosen, and again after the last one", () => {
    const recent = eventsUpTo(3);
    recent.move(-1);
    recent.note(eventReport(4));
    expect(recent.chosen?.n).toBe(2);
    for (const _ of [1, 2, 3]) recent.move(1);
    recent.note(eventReport(5));
    expect(recent.chosen?.n).toBe(5);
    for (const _ of [1, 2, 3, 4, 5, 6]) recent.move(-1);
    expect(recent.chosen).toMatchObject({ n: 1, name: "crm Event.1" });
  });

  it("is one that failed or was rejected while only those are shown", () => {
    const recent = eventsUpTo(5, 2, 4);
    recent.move(-1);
    recent.move(-1);
    recent.showFailedOnly(true);
    expect(recent.chosen?.n).toBe(4);
    recent.move(-1);
    expect(recent.chosen?.n).toBe(2);
    recent.note(forwardReport(5, "retry", 500));
    expect([recent.received, recent.rejected, recent.failed]).toEqual([5, 2, 0]);
    recent.note(forwardReport(5, "failed", 500));
    recent.note(forwardReport(5, "failed", 500));
    expect([recent.received, recent.rejected, recent.failed]).toEqual([5, 2, 1]);
    recent.move(1);
    recent.move(1);
    expect(recent.chosen).toMatchObject({ n: 5, failed: true });
  });

  it("has no longer failed once a replay has delivered it", () => {
    const recent = eventsUpTo(5, 4);
    for (const n of [2, 3]) recent.note(forwardReport(n, "failed", 500));
    expect([recent.failed, recent.rejected, recent.hasFailed(3), recent.hasFailed(4)]).toEqual([2, 1, true, false]);
    recent.showFailedOnly(true);
    recent.move(-1);
    expect(recent.chosen?.n).toBe(3);
    recent.resolve(3);
    expect([recent.failed, recent.rejected, recent.chosen?.n]).toEqual([1, 1, 4]);
    recent.move(-1);
    expect(recent.chosen?.n).toBe(2);
    recent.resolve(2);
    recent.resolve(2);
    expect([recent.failed, recent.chosen?.n]).toEqual([0, 4]);
    recent.showFailedOnly(false);
    expect(recent.chosen).toMatchObject({ n: 5, failed: false });
  });

  it("may be one that a search has found in the log", () => {
    const recent = eventsUpTo(0);
    for (const n of [1001, 1002]) recent.note(eventReport(n));
    const found = [7, 9].map((n) => ({ n, name: "crm X", failed: false }));
    if (found[1] !== undefined) recent.choose(found[1], found);
    expect(recent.chosen?.n).toBe(9);
    recent.move(-1);
    expect(recent.chosen?.n).toBe(7);
    for (const _ of [1, 2]) recent.move(1);
    expect(recent.chosen?.n).toBe(1001);
  });

  it("is never one that is filtered out or could not be recorded, though both are counted", () => {
    const recent = eventsUpTo(1);
    recent.note(eventReport(2, { shown: false }));
    recent.note(eventReport(0));
    expect([recent.chosen?.n, recent.received, recent.hidden]).toEqual([1, 3, 1]);
  });

  it("is kept from a bounded number of events", () => {
    const recent = eventsUpTo(5000);
    for (let i = 0; i < 5000; i++) recent.move(-1);
    expect(recent.chosen?.n).toBe(2001);
  });
});

const status: Status = {
  typed: undefined,
  busy: undefined,
  chosen: { n: 12, name: "crm Leads.create", failed: true },
  marked: 3,
  failedOnly: true,
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
      "paused, 4 new · #12 ✗ · crm Leads.create · #3 marked · failed and rejected only · https://example.ngrok.app · 20 received · " +
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
    expect(statusLine({ ...lost, paused: undefined, marked: undefined, failedOnly: false }, 80)).toContain(
      "channel lost",
    );
  });

  it("leaves out what does not apply", () => {
    const nothing = {
      chosen: undefined,
      marked: undefined,
      failedOnly: false,
      paused: undefined,
      registered: [],
    };
    const line = statusLine(
      { ...status, ...nothing, failed: 0, rejected: 0, hidden: 0, waiting: 0, received: 0, app: undefined },
      100,
    );
    expect(line).toBe("https://example.ngrok.app · 0 received · ? keys");
  });

  it("shows the end of a long search, and no control characters of a sender", () => {
    expect(statusLine({ ...status, typed: `search: ${"a".repeat(60)}end` }, 20)).toBe("aaaaaaaaaaaaaaaaend");
    const chosen = { n: 1, name: "crm \u001b[2JX\u202e", failed: false };
    expect(statusLine({ ...status, chosen }, 200)).toContain("crm [2JX");
  });
});

describe("the prompt", () => {
  const type = (prompt: Prompt, ...keys: readonly string[]): void => keys.forEach((key) => void prompt.onKey(key));

  it("shows what is typed, and submits it on Enter", () => {
    const submitted: string[] = [];
    const prompt = new Prompt();
    expect([prompt.isOpen, prompt.shown]).toEqual([false, undefined]);
    prompt.ask("select #", "1", (text) => submitted.push(text));
    type(prompt, "2", "3", "backspace");
    expect(prompt.shown).toBe("select #12");
    type(prompt, "enter");
    expect([prompt.isOpen, submitted]).toEqual([false, ["12"]]);
  });

  it("submits nothing when it is cancelled or empty", () => {
    const submitted: string[] = [];
    const prompt = new Prompt();
    for (const keys of [["a", "escape"], ["enter"], ["a", "backspace", "enter"], ["\u0003"]]) {
      prompt.ask("search: ", "", (text) => submitted.push(text));
      type(prompt, ...keys);
      expect(prompt.isOpen).toBe(false);
    }
    expect(submitted).toEqual([]);
  });

  it("may ask again on Enter", () => {
    const prompt = new Prompt();
    prompt.ask("one: ", "a", () => prompt.ask("two: ", "", () => {}));
    type(prompt, "enter", "b");
    expect(prompt.shown).toBe("two: b");
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
      onDone: () => seen.push("done"),
    });
    return { queue, seen, over };
  }

  it("runs one after another, and goes on after a failure", async () => {
    const { queue, seen } = createQueue();
    queue.add("first", () => Promise.reject(new Error("failed")));
    queue.add("second", async () => {});
    await queue.ended();
    expect(seen).toEqual(["first", "failed", undefined, "done", "second", undefined, "done"]);
  });

  it("takes no more than ten at a time", async () => {
    const { queue } = createQueue();
    const taken = Array.from({ length: 12 }, () => queue.add("reading", async () => {}));
    expect(taken).toEqual([...Array(10).fill(true), false, false]);
    await queue.ended();
    expect(queue.add("reading", async () => {})).toBe(true);
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
    queue.add("editing", () => new Promise(() => {}));
    await expect(queue.ended()).resolves.toBeUndefined();
  });
});

describe("the buffer of reports", () => {
  const released = (buffer: ReportBuffer): Report[] => {
    const shown: Report[] = [];
    buffer.release((report) => shown.push(report));
    return shown;
  };
  const event = (n: number, bytes: number): Report => ({ ...eventReport(n), body: Buffer.alloc(bytes) });

  it("shows everything in order, once", () => {
    const buffer = new ReportBuffer();
    for (const n of [1, 2, 3]) buffer.add(event(n, 10));
    expect(buffer.count).toBe(3);
    expect(released(buffer)).toMatchObject([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect([buffer.count, released(buffer)]).toEqual([0, []]);
  });

  it("keeps 2,000 reports and 8 MB of bodies, and says how many it left out", () => {
    const many = new ReportBuffer();
    for (let n = 1; n <= 2001; n++) many.add(event(n, 10));
    expect(many.count).toBe(2001);
    expect(released(many).at(-1)).toMatchObject({ message: "1 report was left out while the output was paused" });
    const large = new ReportBuffer();
    for (const n of [1, 2, 3]) large.add(event(n, 4_000_000));
    expect(released(large)).toMatchObject([{ n: 1 }, { n: 2 }, { message: expect.stringContaining("1 report was") }]);
  });
});
