import { setTimeout as delay } from "node:timers/promises";
import type { Parts, Toggle } from "../../../listener/listen.ts";
import type { Part } from "../../../listener/part.ts";
import type { Plan } from "../../../listener/plan.ts";
import type { Log } from "../../../log/log.ts";
import { rowOf } from "../../../log/row-of.ts";
import { type Operation, operations } from "../../../operations/index.ts";
import { overrideContext } from "../../../project/context.ts";
import { fitText } from "../../../reports/layout.ts";
import { paintFor } from "../../../reports/paint.ts";
import type { Report } from "../../../reports/report.ts";
import { renderFailure } from "../../../terminal/failure.ts";
import { onAbort } from "../../../util/timing.ts";
import { counted } from "../../../util/units.ts";
import type { CommandContext } from "../../command.ts";
import { keyCommands } from "./commands.ts";
import { type Action, actionOf, BINDINGS, editLine, parseKeys } from "./keymap.ts";
import { hasNoFailure, RecentEvents, recentEvent } from "./recent-events.ts";
import { createBottomLine, type Status, statusLine } from "./status-line.ts";

/** More keys than this are not typed ahead while a command runs. */
const MAX_QUEUED = 10;
/** An editor that is still open does not keep the run from ending. */
const STOP_TIMEOUT_MS = 1000;

/**
 * The terminal of a `listen` that takes keys. What the run reports goes through its `context`: below it one line shows the
 * state of the run. Until `start` it changes nothing.
 */
export function createKeys(base: CommandContext) {
  const recent = new RecentEvents();
  let running: ReturnType<typeof startKeys> | undefined;
  const context = overrideContext(base, {
    report(report: Report): void {
      recent.note(report);
      if (running === undefined) base.report(report);
      else running.onReport(report);
    },
  });
  return {
    context,
    async start(plan: Plan, parts: Parts, toggleTunnel: Toggle): Promise<Part> {
      const paint = await paintFor(base.stdout, base, !base.argv.includes("--no-color"));
      running = startKeys(base, { plan, parts, recent, paint: paint.dim, toggleTunnel });
      return {
        name: "the keys",
        async stop() {
          await running?.stop();
          running = undefined;
        },
      };
    },
  };
}

interface KeysOptions {
  readonly plan: Plan;
  readonly parts: Parts;
  readonly recent: RecentEvents;
  readonly paint: (text: string) => string;
  readonly toggleTunnel: Toggle;
}

function startKeys(base: CommandContext, { plan, parts, recent, paint, toggleTunnel }: KeysOptions) {
  const log = parts.log?.log;
  const url = parts.receiver?.url ?? "";
  const over = new AbortController();
  onAbort(base.signal, () => over.abort(base.signal.reason));
  const buffer = createReportBuffer();
  let isPaused = false;
  /** An editor or a question has the terminal. */
  let isAway = false;
  /** Input on the last line, and its action on Enter. */
  let prompt: { readonly label: string; readonly text: string; submit(text: string): void } | undefined;
  /** The event whose line was last shown with a mark. */
  let shownN: number | undefined;
  let willShow = false;
  let busy: string | undefined;
  /** It takes a quarter of a minute, in which other keys work. */
  let opening: string | undefined;
  let marked: number | undefined;
  let app: Status["app"];
  let waiting = 0;
  let hasNews = true;
  let isFollowing = false;
  /** The id of the last attempt in the log that has been taken in. */
  let attemptId: number | undefined;
  let queued = 0;
  let work: Promise<unknown> = Promise.resolve();

  const line = createBottomLine(base.stdout, textOf, paint, followLog);
  const keyboard = base.openKeyboard({
    onInput,
    onTaken: line.open,
    onReleased: line.close,
    onResized: line.onResized,
  });
  const print = (report: Report): void => {
    if (report.type === "event" && report.selected) line.eraseReplaceable();
    else line.erase();
    base.report(report);
    line.schedule();
  };
  const command = overrideContext(base, {
    signal: over.signal,
    report: print,
    async prompts() {
      releaseTerminal();
      return base.prompts();
    },
    // A spinner would overwrite the status line.
    async waiting<T>(message: string, wait: () => Promise<T>): Promise<T> {
      setBusy(message);
      return wait();
    },
  });
  const commands = keyCommands(command, {
    products: plan.products,
    flags: plan.flags,
    listener: log && { log, url },
    showSecrets: plan.options.showSecrets === true,
    openInspector: async () => parts.inspector?.start(),
  });
  const onChosen = (text: string, start: (n: number) => Promise<unknown>) => (): void =>
    withChosen((n) => enqueue(`${text} #${n}`, () => start(n)));
  const operate = (text: string, operation: Operation<{ n: number }>) =>
    onChosen(text, (n) => commands.run(operation, { n }));
  const actions: Readonly<Record<Action, (key: string) => void>> = {
    older: () => move(-1),
    newer: () => move(1),
    number: (digit) => ask("select #", digit, selectNumber),
    details: operate("reading", operations.show),
    replay: operate("replaying", operations.replay),
    edit: onChosen("editing", (n) => {
      releaseTerminal();
      return commands.edit(n);
    }),
    explain: operate("explaining", operations.explain),
    curl: onChosen("copying", commands.curl),
    copy: onChosen("copying", commands.copy),
    mark: () => withChosen(mark),
    failed: () => recent.showFailedOnly(!recent.failedOnly),
    pause: () => setPaused(!isPaused),
    hold: () => setPaused(true),
    release: () => setPaused(false),
    search: () => ask("search: ", "", searchLog),
    inspector: () => enqueue("opening the inspector", commands.inspector),
    tunnel: () => void switchTunnel(),
    blank: () => print({ type: "text", text: "\n" }),
    help,
    quit: keyboard.interrupt,
    interrupt: () => keyboard.signal("SIGINT"),
    suspend: () => keyboard.signal("SIGTSTP"),
    kill: () => keyboard.signal("SIGQUIT"),
  };
  // Before the first key, so that no replay is older than the last attempt that it finds.
  followLog();
  keyboard.take();

  function textOf(columns: number): string {
    const { received, failed, rejected, hidden, failedOnly, chosen } = recent;
    const typed = prompt && prompt.label + prompt.text;
    const facts = {
      typed,
      busy: busy ?? opening,
      marked,
      received,
      failed,
      rejected,
      hidden,
      failedOnly,
      chosen,
      waiting,
      app,
    };
    const shownUrl = parts.tunnel?.url() ?? url;
    const registered = parts.registered?.state() ?? [];
    return statusLine({ ...facts, paused: isPaused ? buffer.count() : undefined, url: shownUrl, registered }, columns);
  }

  /** Takes in what another process has changed as well, such as a replay of the inspector. */
  function followLog(): void {
    if (log === undefined || isFollowing) return;
    isFollowing = true;
    followAttempts(log)
      .then(() => countWaiting(log))
      // The log's own part reports it.
      .catch(() => {})
      .finally(() => {
        isFollowing = false;
        line.schedule();
      });
  }

  async function followAttempts(log: Log): Promise<void> {
    const { lastAttempt: last } = await log.ends();
    let id = attemptId ?? last;
    attemptId = last;
    if (id === last) return;
    hasNews = true;
    const replayed = new Set<number>();
    while (id < last && recent.failed > 0) {
      const attempts = await log.attemptsAfter(id);
      for (const { n, replay } of attempts) if (replay !== undefined && recent.hasFailed(n)) replayed.add(n);
      id = attempts.at(-1)?.id ?? last;
    }
    for (const n of replayed) if ((await rowOf(log, n))?.state !== "failed") recent.resolve(n);
  }

  async function countWaiting(log: Log): Promise<void> {
    if (plan.routes.empty || !hasNews) return;
    hasNews = false;
    const counts = await log.queue.waiting();
    waiting = counts.reduce((sum, each) => (plan.routes.has(each.target) ? sum + each.waiting : sum), 0);
  }

  function onReport(report: Report): void {
    hasNews = true;
    if (report.type === "target") app = report.state;
    else if (report.type === "forward" && report.status !== undefined) app = "up";
    else if (report.type === "event" && report.answer !== undefined) app = "up";
    if (recent.failedOnly && hasNoFailure(report)) line.schedule();
    else if (isPaused || isAway) {
      buffer.add(report);
      line.schedule();
    } else print(report);
  }

  function onInput(text: string): void {
    const mayPaste = prompt !== undefined;
    for (const key of parseKeys(text, mayPaste)) {
      if (prompt !== undefined) onPromptKey(prompt, key);
      // The lines behind the first one that was pasted are no keys.
      else if (mayPaste) break;
      else {
        const action = actionOf(key);
        if (action !== undefined) actions[action](key);
      }
    }
    line.schedule();
  }

  function ask(label: string, text: string, submit: (text: string) => void): void {
    withLog(() => {
      prompt = { label, text, submit };
    });
  }

  function onPromptKey(asked: NonNullable<typeof prompt>, key: string): void {
    const text = key === "enter" ? undefined : editLine(asked.text, key);
    prompt = text === undefined ? undefined : { ...asked, text };
    if (key === "enter" && asked.text !== "") asked.submit(asked.text);
  }

  function searchLog(text: string): void {
    enqueue(`searching for ${text}`, async () => {
      const found = await commands.search(text);
      const newest = found.at(-1);
      if (newest === undefined) return;
      recent.choose(newest, found);
      await showSelected();
    });
  }

  function selectNumber(text: string): void {
    enqueue(`reading #${text}`, async () => {
      recent.choose(recentEvent(await commands.event(text)));
      await showSelected();
    });
  }

  function move(step: -1 | 1): void {
    recent.move(step);
    if (log === undefined || willShow) return;
    willShow = enqueue(undefined, async () => {
      willShow = false;
      if (recent.chosen?.n !== shownN) await showSelected();
    });
  }

  /** Shows the line of the selected event once more, in the place of the one that was shown so before. */
  async function showSelected(): Promise<void> {
    const n = recent.chosen?.n;
    if (n === undefined) return;
    shownN = n;
    print({ ...(await commands.event(String(n))), selected: true });
  }

  function withLog(then: () => void): void {
    if (log === undefined)
      print({ type: "notice", message: "this needs the event log, and this run has none (--no-store)" });
    else then();
  }

  function withChosen(then: (n: number) => void): void {
    withLog(() => {
      const { chosen, failedOnly } = recent;
      const none = failedOnly ? "nothing has failed or been rejected yet" : "nothing has been received yet";
      if (chosen === undefined) print({ type: "notice", message: `${none}: there is no event to select` });
      else then(chosen.n);
    });
  }

  function mark(n: number): void {
    const before = marked;
    marked = before === undefined ? n : undefined;
    if (before === undefined || before === n) return;
    enqueue(`comparing #${before} and #${n}`, () => commands.run(operations.diff, { before, after: n }));
  }

  function setPaused(paused: boolean): void {
    isPaused = paused;
    if (!isPaused && !isAway) buffer.release(print);
  }

  async function switchTunnel(): Promise<void> {
    const waiting: CommandContext["waiting"] = async (message, wait) => {
      opening = message;
      line.schedule();
      return wait();
    };
    try {
      await toggleTunnel(waiting);
    } catch (error) {
      if (!over.signal.aborted) await showFailure(error);
    }
    opening = undefined;
    line.schedule();
  }

  function help(): void {
    const rows = BINDINGS.flatMap((each) => ("help" in each ? [[each.shown, each.help]] : []));
    print({ type: "table", columns: ["key", ""], rows, json: [] });
  }

  function setBusy(text: string | undefined): void {
    busy = text;
    line.schedule();
  }

  /** Runs the commands of keys one after another. What fails is shown, and the run goes on. False where too many wait. */
  function enqueue(text: string | undefined, start: () => Promise<unknown>): boolean {
    if (queued >= MAX_QUEUED) return false;
    queued++;
    work = work.then(async () => {
      setBusy(text);
      try {
        if (!over.signal.aborted) await start();
      } catch (error) {
        if (!over.signal.aborted) await showFailure(error);
      }
      queued--;
      hasNews = true;
      setBusy(undefined);
      reclaimTerminal();
    });
    return true;
  }

  async function showFailure(error: unknown): Promise<void> {
    const { verbose } = base;
    const color = !base.argv.includes("--no-color");
    const text = base.knownSecrets.mask(
      await renderFailure(error, base, { json: false, quiet: false, verbose, color }),
    );
    line.erase();
    base.stderr.write(fitText(text, base.stderr));
    line.schedule();
  }

  function releaseTerminal(): void {
    isAway = true;
    keyboard.release();
  }

  function reclaimTerminal(): void {
    if (!isAway) return;
    isAway = false;
    // The other program has changed it.
    base.neverWaitForTerminal();
    if (over.signal.aborted) return;
    keyboard.take();
    setPaused(isPaused);
  }

  return {
    onReport,
    async stop(): Promise<void> {
      over.abort();
      keyboard.close();
      await Promise.race([work, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      isAway = false;
      setPaused(false);
    },
  };
}

/** The event log has them all, so memory need not. */
const MAX_REPORTS = 2000;
const MAX_BODY_BYTES = 8_000_000;

/** Reports that are shown later: while the output is paused, or another program has the terminal. */
function createReportBuffer() {
  let reports: Report[] = [];
  let bodyBytes = 0;
  let dropped = 0;
  return {
    add(report: Report): void {
      const bytes = report.type === "event" ? report.body.length : 0;
      if (reports.length >= MAX_REPORTS || bodyBytes + bytes > MAX_BODY_BYTES) {
        dropped++;
        return;
      }
      bodyBytes += bytes;
      reports.push(report);
    },
    count: () => reports.length + dropped,
    /** Shows them all. */
    release(report: CommandContext["report"]): void {
      const [kept, more] = [reports, dropped];
      [reports, bodyBytes, dropped] = [[], 0, 0];
      for (const each of kept) report(each);
      if (more === 0) return;
      const message = `${counted(more, "report was", "reports were")} left out while the output was paused`;
      report({ type: "warning", message, hint: "zoho-hooks events list shows what is in the event log" });
    },
  };
}
