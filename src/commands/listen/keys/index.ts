import { openPage } from "../../../inspector/start.ts";
import type { Parts, Toggle } from "../../../listener/listen.ts";
import type { Part } from "../../../listener/part.ts";
import type { Plan } from "../../../listener/plan.ts";
import { type Operation, operations } from "../../../operations/index.ts";
import { openWorkspace } from "../../../operations/workspace.ts";
import { overrideContext } from "../../../project/context.ts";
import { paintFor } from "../../../reports/paint.ts";
import type { Report } from "../../../reports/text.ts";
import { onAbort } from "../../../util/timing.ts";
import type { CommandContext } from "../../command.ts";
import { BottomLine } from "./bottom-line.ts";
import { CommandQueue } from "./command-queue.ts";
import { actionsIn, BINDINGS, type KeyAction } from "./keymap.ts";
import { LogFollower } from "./log-follower.ts";
import { RecentEvents } from "./recent-events.ts";
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
  readonly #options: KeysOptions;
  readonly #over = new AbortController();
  readonly #line: BottomLine;
  readonly #screen: Screen;
  readonly #queue: CommandQueue;
  readonly #follower: LogFollower | undefined;
  readonly #keyboard: ReturnType<CommandContext["openKeyboard"]>;
  #app: Status["app"];
  /** The tunnel takes a quarter of a minute, in which other keys work. */
  #opening: string | undefined;

  constructor(base: CommandContext, options: KeysOptions) {
    const { plan, parts, paint } = options;
    this.#base = base;
    this.#options = options;
    onAbort(base.signal, () => this.#over.abort(base.signal.reason));
    this.#line = new BottomLine(base.stdout, {
      textOf: (columns) => statusLine(this.#status(), columns),
      paint,
      onTick: () => this.#line.schedule(),
    });
    this.#screen = new Screen(base, this.#line);
    this.#queue = new CommandQueue({
      signal: this.#over.signal,
      onChange: () => this.#line.schedule(),
      onFailure: (error) => this.#screen.printFailure(error),
    });
    this.#follower = parts.log && new LogFollower(parts.log.log, plan.routes, options.recent);
    this.#keyboard = base.openKeyboard({
      onInput: (text) => {
        for (const action of actionsIn(text)) this.#actions[action]();
        this.#line.schedule();
      },
      onTaken: () => this.#line.open(),
      onReleased: () => this.#line.close(),
      onResized: () => this.#line.onResized(),
    });
    // Before the first key, so that no replay is older than the last attempt that it finds.
    void this.#follower?.follow(this.#over.signal);
    this.#keyboard.take();
  }

  onReport(report: Report): void {
    if (report.type === "target") this.#app = report.state;
    else if (report.type === "forward" && report.status !== undefined) this.#app = "up";
    else if (report.type === "event" && report.person.answer !== undefined) this.#app = "up";
    this.#screen.show(report);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    this.#keyboard.close();
    await this.#queue.ended();
    this.#screen.resume();
  }

  readonly #actions: Readonly<Record<KeyAction, () => void>> = {
    older: () => this.#options.recent.move(-1),
    newer: () => this.#options.recent.move(1),
    details: () => this.#onSelected("reading", operations.show),
    replay: () => this.#onSelected("replaying", operations.replay),
    page: () => this.#queue.add("opening the page", () => this.#openPage()),
    tunnel: () => void this.#switchTunnel(),
    pause: () => (this.#screen.paused === undefined ? this.#screen.pause() : this.#screen.resume()),
    help: () => this.#help(),
    quit: () => this.#keyboard.interrupt(),
    interrupt: () => this.#keyboard.signal("SIGINT"),
    suspend: () => this.#keyboard.signal("SIGTSTP"),
    kill: () => this.#keyboard.signal("SIGQUIT"),
  };

  #onSelected(text: string, operation: Operation<{ n: number }>): void {
    const { plan, parts, recent } = this.#options;
    const n = recent.selected?.n;
    if (parts.log === undefined) this.#notice("this needs the event log, and this run has none (--no-store)");
    else if (n === undefined) this.#notice("nothing has been received yet: there is no event to select");
    else {
      // It sends where listen does.
      const listener = { log: parts.log.log, url: parts.receiver?.url ?? "" };
      const { flags, options } = plan;
      const showSecrets = options.showSecrets === true;
      this.#queue.add(`${text} #${n}`, () =>
        operation.run(openWorkspace(this.#commandContext(), { showSecrets, flags, listener }), { n }),
      );
    }
  }

  /** For the commands of keys: they print at once, and cannot ask. */
  #commandContext(): CommandContext {
    return overrideContext(this.#base, {
      signal: this.#over.signal,
      report: (report: Report) => this.#screen.print(report),
      prompts: async () => undefined,
      // A spinner would overwrite the status line.
      waiting: async (message, wait) => {
        this.#queue.busy = message;
        return wait();
      },
    } satisfies Partial<CommandContext>);
  }

  async #openPage(): Promise<void> {
    const url = await this.#options.parts.inspector?.start();
    // Why it did not start has been reported.
    if (url === undefined) return;
    this.#notice(`inspector: ${url}`);
    openPage(this.#commandContext(), url);
  }

  async #switchTunnel(): Promise<void> {
    const waiting: CommandContext["waiting"] = async (message, wait) => {
      this.#opening = message;
      this.#line.schedule();
      return wait();
    };
    try {
      await this.#options.toggleTunnel(waiting);
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

  #notice(message: string): void {
    this.#screen.print({ type: "notice", message });
  }

  #status(): Status {
    const { parts, recent } = this.#options;
    const { received, failed, rejected, hidden, selected } = recent;
    return {
      busy: this.#queue.busy ?? this.#opening,
      selected,
      paused: this.#screen.paused,
      url: parts.tunnel?.url() ?? parts.receiver?.url ?? "",
      received,
      failed,
      rejected,
      hidden,
      waiting: this.#follower?.waiting ?? 0,
      app: this.#app,
      registered: parts.registered?.state() ?? [],
    };
  }
}
