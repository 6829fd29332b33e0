import type { Parts, Toggle } from "../../../listener/listen.ts";
import type { Part } from "../../../listener/part.ts";
import type { Plan } from "../../../listener/plan.ts";
import { type Operation, operations } from "../../../operations/index.ts";
import { overrideContext } from "../../../project/context.ts";
import { paintFor } from "../../../reports/paint.ts";
import type { Report } from "../../../reports/report.ts";
import { onAbort } from "../../../util/timing.ts";
import type { CommandContext } from "../../command.ts";
import { BottomLine } from "./bottom-line.ts";
import { CommandQueue } from "./command-queue.ts";
import { keyCommands } from "./commands.ts";
import { actionOf, BINDINGS, type KeyAction, parseKeys } from "./keymap.ts";
import { LogFollower } from "./log-follower.ts";
import { Prompt } from "./prompt.ts";
import { hasNoFailure, RecentEvents, recentEvent } from "./recent-events.ts";
import { Screen } from "./screen.ts";
import { type Status, statusLine } from "./status-line.ts";

/**
 * The terminal of a `listen` that takes keys. What the run reports goes through its `context`: below it one line shows the
 * state of the run. Until `start` it changes nothing.
 */
export function createKeys(base: CommandContext) {
  const recent = new RecentEvents();
  let running: Keys | undefined;
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
      running = new Keys(base, { plan, parts, recent, paint: paint.dim, toggleTunnel });
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

/** Reads keys, and runs what each of them stands for. */
class Keys {
  readonly #base: CommandContext;
  readonly #parts: Parts;
  readonly #recent: RecentEvents;
  readonly #toggleTunnel: Toggle;
  readonly #over = new AbortController();
  readonly #line: BottomLine;
  readonly #screen: Screen;
  readonly #prompt = new Prompt();
  readonly #queue: CommandQueue;
  readonly #follower: LogFollower | undefined;
  readonly #keyboard: ReturnType<CommandContext["openKeyboard"]>;
  readonly #commands: ReturnType<typeof keyCommands>;
  readonly #actions: Readonly<Record<KeyAction, (key: string) => void>>;
  #app: Status["app"];
  /** The tunnel takes a quarter of a minute, in which other keys work. */
  #opening: string | undefined;
  #marked: number | undefined;
  /** The event whose line was last shown with a mark. */
  #shownN: number | undefined;
  #willShow = false;

  constructor(base: CommandContext, { plan, parts, recent, paint, toggleTunnel }: KeysOptions) {
    const log = parts.log?.log;
    this.#base = base;
    this.#parts = parts;
    this.#recent = recent;
    this.#toggleTunnel = toggleTunnel;
    onAbort(base.signal, () => this.#over.abort(base.signal.reason));
    this.#line = new BottomLine(base.stdout, {
      textOf: (columns) => statusLine(this.#status(), columns),
      paint,
      onTick: () => void this.#countWaiting(),
    });
    this.#screen = new Screen(base, this.#line);
    this.#queue = new CommandQueue({
      signal: this.#over.signal,
      onChange: () => this.#line.schedule(),
      onFailure: (error) => this.#screen.printFailure(error),
      onDone: () => this.#onCommandDone(),
    });
    this.#follower = log && new LogFollower(log, plan.routes, recent);
    this.#keyboard = base.openKeyboard({
      onInput: (text) => this.#onInput(text),
      onTaken: () => this.#line.open(),
      onReleased: () => this.#line.close(),
      onResized: () => this.#line.onResized(),
    });
    this.#commands = keyCommands(this.#commandContext(), {
      products: plan.products,
      flags: plan.flags,
      listener: log && { log, url: this.#receiverUrl },
      showSecrets: plan.options.showSecrets === true,
      openInspector: async () => parts.inspector?.start(),
    });
    this.#actions = this.#createActions();
    // Before the first key, so that no replay is older than the last attempt that it finds.
    void this.#follower?.follow(this.#over.signal);
    void this.#countWaiting();
    this.#keyboard.take();
  }

  onReport(report: Report): void {
    this.#follower?.noteChange();
    if (report.type === "target") this.#app = report.state;
    else if (report.type === "forward" && report.status !== undefined) this.#app = "up";
    else if (report.type === "event" && report.answer !== undefined) this.#app = "up";
    if (this.#recent.failedOnly && hasNoFailure(report)) this.#line.schedule();
    else this.#screen.show(report);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    this.#keyboard.close();
    await this.#queue.ended();
    this.#screen.comeBack();
    this.#screen.pause(false);
  }

  get #receiverUrl(): string {
    return this.#parts.receiver?.url ?? "";
  }

  #status(): Status {
    const { received, failed, rejected, hidden, failedOnly, chosen } = this.#recent;
    return {
      typed: this.#prompt.shown,
      busy: this.#queue.busy ?? this.#opening,
      chosen,
      marked: this.#marked,
      failedOnly,
      paused: this.#screen.paused,
      url: this.#parts.tunnel?.url() ?? this.#receiverUrl,
      received,
      failed,
      rejected,
      hidden,
      waiting: this.#follower?.waiting ?? 0,
      app: this.#app,
      registered: this.#parts.registered?.state() ?? [],
    };
  }

  async #countWaiting(): Promise<void> {
    await this.#follower?.count();
    this.#line.schedule();
  }

  /** For the commands of keys: they print at once, and may ask. */
  #commandContext(): CommandContext {
    const keys = this;
    return overrideContext(this.#base, {
      signal: this.#over.signal,
      report: (report: Report) => this.#screen.print(report),
      async prompts() {
        keys.#releaseTerminal();
        return keys.#base.prompts();
      },
      // A spinner would overwrite the status line.
      async waiting<T>(message: string, wait: () => Promise<T>): Promise<T> {
        keys.#queue.busy = message;
        return wait();
      },
    });
  }

  #createActions(): Readonly<Record<KeyAction, (key: string) => void>> {
    const commands = this.#commands;
    const onChosen = (text: string, start: (n: number) => Promise<unknown>) => () =>
      this.#withChosen((n) => this.#queue.add(`${text} #${n}`, () => start(n)));
    const operate = (text: string, operation: Operation<{ n: number }>) =>
      onChosen(text, (n) => commands.run(operation, { n }));
    return {
      older: () => this.#move(-1),
      newer: () => this.#move(1),
      number: (digit) => this.#ask("select #", digit, (text) => this.#selectNumber(text)),
      details: operate("reading", operations.show),
      replay: operate("replaying", operations.replay),
      edit: onChosen("editing", (n) => {
        this.#releaseTerminal();
        return commands.edit(n);
      }),
      explain: operate("explaining", operations.explain),
      curl: onChosen("copying", commands.curl),
      copy: onChosen("copying", commands.copy),
      mark: () => this.#withChosen((n) => this.#mark(n)),
      failed: () => this.#recent.showFailedOnly(!this.#recent.failedOnly),
      pause: () => this.#screen.pause(this.#screen.paused === undefined),
      hold: () => this.#screen.pause(true),
      release: () => this.#screen.pause(false),
      search: () => this.#ask("search: ", "", (text) => this.#search(text)),
      inspector: () => this.#queue.add("opening the inspector", commands.inspector),
      tunnel: () => void this.#switchTunnel(),
      blank: () => this.#screen.print({ type: "text", text: "\n" }),
      help: () => this.#help(),
      quit: () => this.#keyboard.interrupt(),
      interrupt: () => this.#keyboard.signal("SIGINT"),
      suspend: () => this.#keyboard.signal("SIGTSTP"),
      kill: () => this.#keyboard.signal("SIGQUIT"),
    };
  }

  #onInput(text: string): void {
    const mayPaste = this.#prompt.isOpen;
    for (const key of parseKeys(text, mayPaste)) {
      if (this.#prompt.isOpen) this.#prompt.onKey(key);
      // The lines behind the first one that was pasted are no keys.
      else if (mayPaste) break;
      else {
        const action = actionOf(key);
        if (action !== undefined) this.#actions[action](key);
      }
    }
    this.#line.schedule();
  }

  #ask(label: string, text: string, submit: (text: string) => void): void {
    this.#withLog(() => this.#prompt.ask(label, text, submit));
  }

  #search(text: string): void {
    this.#queue.add(`searching for ${text}`, async () => {
      const found = await this.#commands.search(text);
      const newest = found.at(-1);
      if (newest === undefined) return;
      this.#recent.choose(newest, found);
      await this.#showSelected();
    });
  }

  #selectNumber(text: string): void {
    this.#queue.add(`reading #${text}`, async () => {
      this.#recent.choose(recentEvent(await this.#commands.event(text)));
      await this.#showSelected();
    });
  }

  #move(step: -1 | 1): void {
    this.#recent.move(step);
    if (this.#follower === undefined || this.#willShow) return;
    this.#willShow = this.#queue.add(undefined, async () => {
      this.#willShow = false;
      if (this.#recent.chosen?.n !== this.#shownN) await this.#showSelected();
    });
  }

  /** Shows the line of the selected event once more, in the place of the one that was shown so before. */
  async #showSelected(): Promise<void> {
    const n = this.#recent.chosen?.n;
    if (n === undefined) return;
    this.#shownN = n;
    this.#screen.print({ ...(await this.#commands.event(String(n))), selected: true });
  }

  #withLog(then: () => void): void {
    if (this.#follower === undefined)
      this.#screen.print({
        type: "notice",
        message: "this needs the event log, and this run has none (--no-store)",
      });
    else then();
  }

  #withChosen(then: (n: number) => void): void {
    this.#withLog(() => {
      const { chosen, failedOnly } = this.#recent;
      const none = failedOnly ? "nothing has failed or been rejected yet" : "nothing has been received yet";
      if (chosen === undefined) this.#screen.print({ type: "notice", message: `${none}: there is no event to select` });
      else then(chosen.n);
    });
  }

  #mark(n: number): void {
    const before = this.#marked;
    this.#marked = before === undefined ? n : undefined;
    if (before === undefined || before === n) return;
    this.#queue.add(`comparing #${before} and #${n}`, () => this.#commands.run(operations.diff, { before, after: n }));
  }

  async #switchTunnel(): Promise<void> {
    const waiting: CommandContext["waiting"] = async (message, wait) => {
      this.#opening = message;
      this.#line.schedule();
      return wait();
    };
    try {
      await this.#toggleTunnel(waiting);
    } catch (error) {
      if (!this.#over.signal.aborted) await this.#screen.printFailure(error);
    }
    this.#opening = undefined;
    this.#line.schedule();
  }

  #help(): void {
    const rows = BINDINGS.flatMap((each) => ("help" in each ? [[each.shown, each.help]] : []));
    this.#screen.print({ type: "table", columns: ["key", ""], rows, json: [] });
  }

  #onCommandDone(): void {
    this.#follower?.noteChange();
    this.#reclaimTerminal();
  }

  #releaseTerminal(): void {
    this.#screen.leave();
    this.#keyboard.release();
  }

  #reclaimTerminal(): void {
    if (!this.#screen.isAway) return;
    // The other program has changed it.
    this.#base.neverWaitForTerminal();
    if (!this.#over.signal.aborted) this.#keyboard.take();
    this.#screen.comeBack();
  }
}
