import { Command, CommanderError } from "commander";
import { type Act, addCommands } from "./commands/command.ts";
import { commands } from "./commands/index.ts";
import { nearest } from "./core/event-names.ts";
import { createContext } from "./reports/context.ts";
import { renderFailure } from "./reports/failure.ts";
import { examples, helpConfiguration, helpOutput } from "./reports/help.ts";
import type { Mode } from "./reports/paint.ts";
import { endProcess, nodeRuntime, type Runtime, reportUnfinished, type Surroundings } from "./runtime.ts";
import { CANCELLED, ExitCode, UserError } from "./util/errors.ts";

declare const __VERSION__: string;

/** Runs the command line that the process was started with, and ends the process. */
export async function start(surroundings: Surroundings): Promise<void> {
  reportUnfinished();
  await endProcess(await runProgram(nodeRuntime(surroundings), __VERSION__));
}

const EXIT_CODES = `
Exit codes:
  0 success                  5 your app is unreachable, or did not answer 2xx
  1 a bug of zoho-hooks      6 credentials are missing or refused
  2 wrong usage              7 an error of a Zoho API
  3 wrong signature/token    8 an expectation or time limit was not met
  4 invalid payload          9 the tunnel or channel was lost
  130 interrupted
`;

/** Parses the command line, loads the one command that it names, runs it, and turns every outcome into an exit code. */
export async function runProgram(runtime: Runtime, version: string): Promise<ExitCode | number> {
  // Until the command line is parsed, how to say what is wrong with it can only be guessed from its words.
  let mode: Mode = {
    json: runtime.argv.includes("--json"),
    quiet: false,
    verbose: false,
    color: !runtime.argv.includes("--no-color"),
  };
  let exitCode: ExitCode | number = ExitCode.ok;
  const act: Act = (action) => {
    return async (...args) => {
      // Commander passes the command itself behind its options.
      const command: unknown = args.pop();
      if (command instanceof Command) mode = modeOf(command);
      exitCode = await action(await createContext(runtime, mode), ...args);
    };
  };
  let program: Command | undefined;
  try {
    program = await buildProgram(runtime, version, act);
    const asked = runtime.argv[0] === "help" ? calledCommand(runtime.argv) : undefined;
    if (asked !== undefined && !isCommand(asked)) throw unknownCommand(asked);
    await program.parseAsync([...runtime.argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed help or the version already; what is left is a usage error.
      if (error.exitCode === 0) return ExitCode.ok;
      // A group was called without saying what to do: its help is the answer.
      if (error.code === "commander.help") return ExitCode.usage;
      return fail(runtime, mode, asUsageError(error, runtime.argv, program));
    }
    return fail(runtime, mode, error);
  }
}

async function buildProgram(runtime: Runtime, version: string, act: Act): Promise<Command> {
  const program = new Command("zoho-hooks");
  program
    .description("Receive, send and verify Zoho webhooks on your own machine.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks listen                         receive on http://127.0.0.1:4460",
        "zoho-hooks send crm Leads.create          send it a signed sample",
        "zoho-hooks send books --all --to 3000     every Books event to your app on port 3000",
        "zoho-hooks verify payload.json            is this payload genuine and well-formed?",
      ),
    )
    .addHelpText("after", EXIT_CODES)
    .configureHelp(helpConfiguration)
    .configureOutput(helpOutput(runtime))
    .exitOverride()
    .showHelpAfterError(false);
  const called = calledCommand(runtime.argv);
  // Where a command comes first nothing is said of the others.
  const first = commands.filter(({ name }) => name === runtime.argv[0]);
  await addCommands(program, act, first.length > 0 ? first : commands, (name) => name === called);
  if (runtime.argv.length === 0) program.action(() => program.outputHelp());
  return program;
}

function modeOf(command: Command): Mode {
  const { json = false, quiet = false, verbose = false, color = true } = command.opts<Partial<Mode>>();
  return { json, quiet, verbose, color };
}

/** The first word that is not a flag; behind `help` it is the one after. */
function calledCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith("-"));
  return words[0] === "help" ? words[1] : words[0];
}

/** `channels create`: the words that name commands, one below the other, and the last of these. */
function calledBelow(argv: readonly string[], program: Command | undefined) {
  const path: string[] = [];
  let command = program;
  for (const word of argv) {
    const next = command?.commands.find((each) => each.name() === word);
    if (next === undefined) continue;
    path.push(word);
    command = next;
  }
  return { path: path.join(" "), command };
}

function asUsageError(error: CommanderError, argv: readonly string[], program: Command | undefined): UserError {
  const called = calledCommand(argv);
  // Behind a flag's = may stand a secret, meant for another flag.
  const told = error.message.replace(/^error: /, "").replace(/^(unknown option '-[^=']+)=.*'/s, "$1'");
  const message = told.split("\n", 1)[0] ?? "";
  const unknown = error.code === "commander.unknownCommand" ? /'(.*)'/.exec(message)?.[1] : undefined;
  if (unknown !== undefined && unknown === called) return unknownCommand(unknown);
  const { path, command } = calledBelow(argv, program);
  const begun = /^unknown option '(--.+)'$/.exec(message)?.[1];
  const longer = command?.options.flatMap(({ long }) => (begun && long?.startsWith(begun) ? [long] : [])) ?? [];
  const suggestion = longer.length > 0 ? longer.join(" or ") : /\(Did you mean (.*)\?\)/s.exec(error.message)?.[1];
  // It is known, and only what stands behind it does not fit.
  if (begun !== undefined && suggestion?.split(" or ").includes(begun))
    return new UserError("usage", `${begun} takes no value`, `write it as ${begun} alone`);
  const help = isCommand(called) ? `run zoho-hooks ${path} --help for how it is used` : HELP_HINT;
  return new UserError("usage", message, suggestion === undefined ? help : `did you mean ${suggestion}?`);
}

const HELP_HINT = "run zoho-hooks --help for the commands and their flags";

function unknownCommand(name: string): UserError {
  const names = commands.map((entry) => entry.name);
  const [near] = nearest(name, names, 1);
  return new UserError("usage", `unknown command '${name}'`, near === undefined ? HELP_HINT : `did you mean ${near}?`);
}

function isCommand(name: string | undefined): boolean {
  return name === "help" || commands.some((entry) => entry.name === name);
}

async function fail(runtime: Runtime, mode: Mode, error: unknown): Promise<ExitCode | number> {
  if (!(error instanceof UserError) && isInterruption(error, runtime.signal)) {
    // Who has ended it knows, and what may be left of it was said by then.
    return INTERRUPT_STATUS[String(error)] ?? INTERRUPTED;
  }
  runtime.stderr.write(await renderFailure(error, runtime, mode));
  if (!(error instanceof UserError)) return ExitCode.bug;
  return error.code === CANCELLED ? INTERRUPTED : error.exitCode;
}

/** What broke off because it was told to is no bug, and the shell gets the status of a process that the signal ended. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === "AbortError"));
}

const INTERRUPTED = 130;
const INTERRUPT_STATUS: Readonly<Record<string, number>> = { SIGINT: INTERRUPTED, SIGTERM: 143, SIGHUP: 129 };
