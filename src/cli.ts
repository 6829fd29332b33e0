import { Command, CommanderError } from "commander";
import { type Act, addCommands, type CommandContext } from "./commands/command.ts";
import { commands } from "./commands/index.ts";
import { KnownSecrets } from "./delivery/secrets.ts";
import { nearest } from "./model/event-names.ts";
import { endProcess, nodeRuntime, reportUnfinished } from "./process/node-runtime.ts";
import type { Runtime, Surroundings } from "./process/runtime.ts";
import { overrideContext } from "./project/context.ts";
import { renderFailure } from "./reports/failure.ts";
import { fitText } from "./reports/layout.ts";
import type { Mode } from "./reports/paint.ts";
import { createContext } from "./terminal/context.ts";
import {
  COMMON_OPTIONS,
  examples,
  findTopics,
  helpAllOption,
  helpOutput,
  ToolCommand,
  usualSubcommand,
} from "./terminal/help.ts";
import { CANCELLED, ExitCode, UserError } from "./util/errors.ts";
import { shellQuoted, shortValue } from "./util/text.ts";

declare const __VERSION__: string;

/** Runs the command line that the process was started with, and ends the process. */
export async function start(surroundings: Surroundings): Promise<void> {
  reportUnfinished();
  await endProcess(await runProgram(nodeRuntime(surroundings), __VERSION__));
}

const EXAMPLES = examples(
  "zoho-hooks listen 3000                     receive on 127.0.0.1:4460, forward to port 3000",
  "zoho-hooks send crm Leads.create           send your listener a signed sample",
  "zoho-hooks verify payload.json             is this payload genuine and well-formed?",
);

const EXIT_CODES = `Exit codes:
  0 success                  5 your app is unreachable, or did not answer 2xx
  1 a bug of zoho-hooks      6 credentials are missing or refused
  2 wrong usage              7 an error of a Zoho API
  3 wrong signature/token    8 an expectation or time limit was not met
  4 invalid payload          9 the tunnel or channel was lost
  130 interrupted`;

const DEFAULT_MODE: Mode = { json: false, quiet: false, verbose: false, color: true };

/** Parses the command line, loads the command that it names, runs it, and turns every outcome into an exit code. */
export async function runProgram(runtime: Runtime, version: string): Promise<ExitCode | number> {
  const { argv: given } = runtime;
  // A guess, for errors that come before the command line is parsed.
  let mode = { ...DEFAULT_MODE, json: given.includes("--json"), color: !given.includes("--no-color") };
  const knownSecrets = new KnownSecrets();
  let exitCode: ExitCode | number = ExitCode.ok;
  const act: Act = (action) => {
    return async (...args) => {
      // Commander passes the command itself behind its options.
      const command: unknown = args.pop();
      if (command instanceof Command) {
        mode = { ...DEFAULT_MODE, ...command.opts() };
        // With those of its group, such as --profile.
        args[args.length - 1] = command.optsWithGlobals();
      }
      const context = await createContext(runtime, mode, knownSecrets);
      const entry = commands.find(({ name }) => name === calledCommand(given));
      exitCode = await action(entry?.needsTrust === false ? context : await trusted(context), ...args);
    };
  };
  let program: ToolCommand | undefined;
  let argv = given;
  try {
    program = await buildProgram(runtime, version, act);
    const topic = given[0] === "help" ? calledCommand(given) : undefined;
    const searched = given[0] === "help" ? optionValue(given, "--search") : undefined;
    if (searched !== undefined) {
      const { searchTopics } = await import("./commands/help.ts");
      await searchTopics(searched, runtime);
      return ExitCode.ok;
    }
    if (topic !== undefined && (!isCommand(topic) || findTopics(runtime.packageRoot).has(topic))) {
      const { showTopic } = await import("./commands/help.ts");
      await showTopic(topic, NAMES, runtime);
      return ExitCode.ok;
    }
    argv = withDefaultSubcommand(argv, program);
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has already printed help or the version; the help also for a group without a subcommand and without a list.
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
    if (error instanceof CommanderError && error.code === "commander.help") return ExitCode.usage;
    const failure = error instanceof CommanderError && program ? asUsageError(error, argv, program) : error;
    if (!(failure instanceof UserError) && isInterruption(failure, runtime.signal)) {
      // The user knows, and what is left over has been reported.
      return INTERRUPT_STATUS[String(failure)] ?? INTERRUPTED;
    }
    const text = knownSecrets.mask(await renderFailure(failure, runtime, mode));
    runtime.stderr.write(fitText(text, runtime.stderr));
    if (!(failure instanceof UserError)) return ExitCode.bug;
    return failure.code === CANCELLED ? INTERRUPTED : failure.exitCode;
  }
}

const INTERRUPTED = 130;
const INTERRUPT_STATUS: Readonly<Record<string, number>> = { SIGINT: INTERRUPTED, SIGTERM: 143, SIGHUP: 129 };

/** An interruption by a signal is no bug; the shell gets the status of a process that the signal ended. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === "AbortError"));
}

/** The context with the project, whose files the user trusts. */
async function trusted(context: CommandContext): Promise<CommandContext> {
  const { requireTrust } = await import("./project/trust.ts");
  return overrideContext(context, { project: await requireTrust(context) });
}

async function buildProgram(runtime: Runtime, version: string, act: Act): Promise<ToolCommand> {
  const program = new ToolCommand("zoho-hooks");
  program
    .description("Receive, send and verify Zoho webhooks on your own machine.")
    .usage("<command> [options]")
    .optionsGroup(COMMON_OPTIONS)
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .addOption(helpAllOption())
    .on("option:help-all", () => showAllHelp(calledSubcommand(runtime.argv, program).command))
    .commandsGroup(commands[0]?.group ?? "")
    .helpCommand("help [topic]", "show help for a command or a page of the documentation; --search <text> finds pages")
    .addHelpText("before", EXAMPLES)
    .addHelpText("after", () => topicsText(runtime.packageRoot) + EXIT_CODES)
    .configureOutput(helpOutput(runtime))
    .exitOverride()
    .showHelpAfterError(false);
  program.topics = ["getting-started"];
  const called = calledCommand(runtime.argv);
  // If a command comes first, the help does not list the others.
  const first = commands.filter(({ name }) => name === runtime.argv[0]);
  await addCommands(program, act, first.length > 0 ? first : commands, (name) => name === called);
  if (runtime.argv.length === 0) program.action(() => program.outputHelp());
  return program;
}

function topicsText(packageRoot: string): string {
  const topics = [...findTopics(packageRoot).keys()];
  return topics.length === 0 ? "" : `Topics, for zoho-hooks help <topic>:\n  ${topics.join(", ")}\n\n`;
}

/** Ends the run, as `--help` does. */
function showAllHelp(command: ToolCommand): void {
  command.showsAll = true;
  command.help();
}

/** `events` and `events --only failed` list: a group without a subcommand runs its usual one. */
function withDefaultSubcommand(argv: readonly string[], program: Command): readonly string[] {
  const [name, next = "-"] = argv;
  const group = program.commands.find((command) => command.name() === name);
  const usual = group && usualSubcommand(group);
  if (
    name === undefined ||
    usual === undefined ||
    !next.startsWith("-") ||
    ["-h", "--help", "--help-all"].includes(next)
  )
    return argv;
  return [name, usual.name(), ...argv.slice(1)];
}

/** The first word that is not a flag; after `help`, the one behind it. */
function calledCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith("-"));
  return words[0] === "help" ? words[1] : words[0];
}

/** The words behind an option, which here is the last one. */
function optionValue(argv: readonly string[], option: string): string | undefined {
  const at = argv.findIndex((word) => word === option || word.startsWith(`${option}=`));
  if (at === -1) return undefined;
  return argv
    .slice(at)
    .filter((word, i) => i === 0 || !word.startsWith("-"))
    .join(" ")
    .slice(option.length + 1);
}

/** The subcommand that is called, and the words that lead to it: `channels create`. */
function calledSubcommand(argv: readonly string[], program: ToolCommand) {
  const path: string[] = [];
  let command = program;
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word);
    if (!(next instanceof ToolCommand)) continue;
    path.push(word);
    command = next;
  }
  return { path: path.join(" "), command };
}

function asUsageError(error: CommanderError, argv: readonly string[], program: ToolCommand): UserError {
  const called = calledCommand(argv);
  // A value behind a flag's = may be a secret that was meant for another flag.
  const text = error.message.replace(/^error: /, "").replace(/^(unknown option '-[^=']+)=.*'/s, "$1'");
  const message = text.split("\n", 1)[0] ?? "";
  const unknown = error.code === "commander.unknownCommand" ? /'(.*)'/.exec(message)?.[1] : undefined;
  if (unknown !== undefined && unknown === called) return unknownCommand(unknown, argv);
  const { path, command } = calledSubcommand(argv, program);
  const flag = /^unknown option '(--.+)'$/.exec(message)?.[1];
  const longer = command.options.flatMap(({ long }) => (flag && long?.startsWith(flag) ? [long] : [])) ?? [];
  const suggestion = longer.length > 0 ? longer.join(" or ") : /\(Did you mean (.*)\?\)/s.exec(error.message)?.[1];
  // The flag exists, and its value is what does not fit.
  if (flag !== undefined && suggestion?.split(" or ").includes(flag))
    return new UserError("usage", `${flag} takes no value`, `write it as ${flag} alone`);
  const typed = `${path} ${unknown ?? flag}`;
  if (/^events (delete|remove|rm)$/.test(typed)) return new UserError("usage", message, DELETE_HINT);
  const [, credential] = / --(secret|token)$/.exec(typed) ?? [];
  if (credential !== undefined) return new UserError("usage", message, secretHint(credential));
  if (flag === "--from" && command.options.some(({ long }) => long === "--since"))
    return new UserError("usage", message, `did you mean ${["--since", ...typedValue(flag, argv)].join(" ")}?`);
  const other = otherName(typed, argv);
  if (other !== undefined) return new UserError("usage", message, `did you mean ${other}?`);
  const help = isCommand(called) ? `run zoho-hooks ${path} --help for usage` : HELP_HINT;
  return new UserError("usage", message, suggestion === undefined ? help : `did you mean ${suggestion}?`);
}

/** The value of a flag that is not one of ours, quoted for a shell; empty where none follows. */
function typedValue(flag: string, argv: readonly string[]): readonly string[] {
  const at = argv.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const value = argv[at] === flag ? argv[at + 1] : argv[at]?.slice(flag.length + 1);
  return value === undefined || value.startsWith("-") ? [] : [shellQuoted(shortValue(value))];
}

const HELP_HINT = "run zoho-hooks --help for the commands and their flags";
/** Names of the same commands in other tools, and what is looked for under another name. */
const OTHER_NAMES = new Map([
  ["trigger", "zoho-hooks send"],
  ["resend", "zoho-hooks replay"],
  ["events resend", "zoho-hooks replay"],
  ["logs", "zoho-hooks events"],
  ["version", "--version"],
  ["events clear", "zoho-hooks events prune --keep 0s"],
  ["check --summary", "--junit FILE"],
  ["replay --logged", "zoho-hooks replay 3, without a flag"],
]);

const DELETE_HINT = "single deliveries cannot be deleted; for those beyond an age, run zoho-hooks events prune --help";

/** Every local program can read flags. */
function secretHint(credential: string): string {
  const variable = `ZOHO_WEBHOOK_${credential.toUpperCase()}`;
  return `no flag takes a secret: set ${variable}, or ${variable}_FILE to the path of a file with it`;
}

/** A command takes over the words that were typed behind the unknown one, up to the first flag. */
function otherName(typed: string, argv: readonly string[]): string | undefined {
  const other = OTHER_NAMES.get(typed);
  if (other === undefined || !/^zoho-hooks [a-z]+$/.test(other)) return other;
  const unknown = typed.split(" ").at(-1) ?? "";
  const words = argv.slice(argv.indexOf(unknown) + 1);
  const end = words.findIndex((word) => word.startsWith("-"));
  return [other, ...words.slice(0, end === -1 ? undefined : end).map(shellQuoted)].join(" ");
}

function unknownCommand(name: string, argv: readonly string[]): UserError {
  const near = otherName(name, argv) ?? nearest(name, NAMES, 1)[0];
  return new UserError("usage", `unknown command '${name}'`, near === undefined ? HELP_HINT : `did you mean ${near}?`);
}

const NAMES = commands.map(({ name }) => name);

function isCommand(name: string | undefined): boolean {
  return name !== undefined && ["help", ...NAMES].includes(name);
}
