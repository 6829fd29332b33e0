import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { parseAst } from "rolldown/parseAst";
import { BIN, cleanEnv, withoutErased } from "./bin.ts";
import { tempFolder } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const MODULES = join(ROOT, "node_modules");

/** How long a background command may take to print what the page shows. */
const SHOWN_TIMEOUT_MS = 20_000;

/** A fenced block, or a comment that says what happens meanwhile: `zoho notifies <event> <id>`, `your app runs`. */
export interface Block {
  readonly line: number;
  readonly language: string;
  /** The words after the language, which code hosts do not show. */
  readonly words: readonly string[];
  readonly text: string;
}

export function blocksOf(markdown: string): readonly Block[] {
  const pattern = /^( *)```(\S*)([^\n]*)\n([\s\S]*?)^\1```$|^<!-- (zoho notifies|your app runs)([^\n]*) -->$/gm;
  return [...markdown.matchAll(pattern)].map(
    ({ index, 1: indent = "", 2: fence, 3: info, 4: text, 5: notifies, 6: event }) => ({
      line: markdown.slice(0, index).split("\n").length,
      language: fence ?? notifies ?? "",
      words: (info ?? event ?? "").trim().split(/\s+/).filter(Boolean),
      text: (text ?? "").replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }),
  );
}

export interface DocsPageOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Texts of the page and what they are in this run: `[":4460", ":51234"]`. `/home/ines/app` is the folder of its project. */
  readonly replaced: readonly (readonly [string, string])[];
  notify(event: string, ids: readonly string[]): Promise<unknown>;
  /** Starts an app that answers 200 on the page's port 3000. */
  startApp(): Promise<unknown>;
}

interface Background {
  readonly command: string;
  readonly child: ChildProcess;
  output(): string;
  /** How much of the output the page has shown. */
  read: number;
  readonly ended: Promise<unknown>;
}

/** The project in which the commands of one page run. */
export class DocsPage {
  readonly #outer = tempFolder();
  readonly #project = join(this.#outer, "project");
  /** A script that sets the exported variables and the folder that the last command left. */
  readonly #state = join(this.#outer, "state.sh");
  readonly #env: NodeJS.ProcessEnv;
  readonly #options: DocsPageOptions;
  readonly #background: Background[] = [];

  constructor(options: DocsPageOptions) {
    this.#options = { ...options, replaced: [["/home/ines/app", this.#project], ...options.replaced] };
    const bin = join(this.#project, "node_modules/.bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(ROOT, join(this.#project, "node_modules/zoho-hooks"));
    symlinkSync(MODULES, join(this.#outer, "node_modules"));
    // The version that `npm install express` installs.
    symlinkSync(join(MODULES, "express5"), join(this.#project, "node_modules/express"));
    writeFileSync(join(bin, "zoho-hooks"), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    chmodSync(join(bin, "zoho-hooks"), 0o755);
    writeFileSync(join(this.#project, "package.json"), '{ "name": "app", "private": true, "type": "module" }\n');
    writeFileSync(this.#state, `cd '${this.#project}'\n`);
    const path = [bin, join(MODULES, ".bin"), process.env.PATH].join(":");
    const { CI: _, ...env } = cleanEnv(options.env);
    // With CI set, a spinner, which only a slow machine shows, stays on the screen as a line.
    this.#env = { ...env, PATH: path, NO_COLOR: "1", NODE_NO_WARNINGS: "1" };
  }

  /** Runs a block and throws an error if it does something else than the page says. */
  async run(block: Block): Promise<void> {
    const { language, words } = block;
    if (words.includes("skip") || !hasPrograms(words)) return;
    const text = this.#here(block.text);
    const file = words.find((word) => word.startsWith("file="))?.slice("file=".length);
    if (language === "zoho notifies") {
      const [event = "", ...ids] = words;
      await this.#options.notify(event, ids);
    } else if (language === "your app runs") await this.#options.startApp();
    else if (file !== undefined) {
      mkdirSync(dirname(join(this.#project, file)), { recursive: true });
      writeFileSync(join(this.#project, file), text);
    } else if (language === "json") JSON.parse(text);
    else if (language === "js" || language === "ts") parseAst(text, { lang: language });
    else if (language === "sh" || language === "console") await this.#runCommands(text, language, words);
  }

  /** Ends what still runs. */
  close(): void {
    for (const { child } of this.#background) child.kill("SIGKILL");
  }

  async #runCommands(text: string, language: string, words: readonly string[]): Promise<void> {
    if (words.includes("more")) {
      const name = words[words.indexOf("more") + 1] ?? "";
      return this.#more(
        text,
        this.#background.findLast(({ command }) => command.includes(name)),
      );
    }
    const commands = language === "console" ? transcript(text) : shellLines(text);
    for (const [i, { command, shown }] of commands.entries()) {
      const isLast = i === commands.length - 1;
      if (isLast && words.includes("background")) await this.#more(shown ?? "", this.#start(command));
      else await this.#foreground(command, shown);
    }
  }

  async #foreground(command: string, shown: string | undefined): Promise<void> {
    const stated = /#.*\bexits with (\d+)/.exec(command)?.[1];
    const after = `__code=$?\n{ export -p; echo "cd '$PWD'"; } >'${this.#state}'\nexit $__code`;
    const { child, output } = this.#spawn(`. '${this.#state}'\n${command}\n${after}`);
    const [code] = await once(child, "close");
    const seen = output();
    // A transcript shows what failed.
    const expectedCode = stated ?? (shown === undefined ? 0 : undefined);
    if (expectedCode !== undefined && code !== Number(expectedCode))
      throw new Error(`$ ${command}\nexits with ${code}, not ${expectedCode}:\n${seen}`);
    if (shown !== undefined && !matches(seen, shown)) throw new Error(difference(command, shown, this.#there(seen)));
  }

  #start(command: string): Background {
    const { child, output } = this.#spawn(`. '${this.#state}'\n${command}`);
    const background = { command, child, output, read: 0, ended: once(child, "close") };
    this.#background.push(background);
    return background;
  }

  /** Waits for what a background command prints next. A line `^C` stops it. */
  async #more(text: string, background: Background | undefined): Promise<void> {
    if (background === undefined) throw new Error("no such command runs in the background");
    const [before = "", after] = text.split(/^\^C\n?/m);
    await this.#printed(background, before);
    if (after === undefined) return;
    background.child.stdin?.write("\u0003");
    await background.ended;
    await this.#printed(background, after);
  }

  async #printed(background: Background, shown: string): Promise<void> {
    if (shown.trim() === "") return;
    const expected = `${shown.trimEnd()}\n…`;
    const deadline = Date.now() + SHOWN_TIMEOUT_MS;
    for (;;) {
      background.read += /^\n*/.exec(background.output().slice(background.read))?.[0].length ?? 0;
      const unread = background.output().slice(background.read);
      // The fewest whole lines that have all that the page shows.
      const ends = [...unread.matchAll(/\n/g)].map(({ index }) => index + 1);
      const end = ends.find((each) => matches(unread.slice(0, each), expected));
      if (end !== undefined) {
        background.read += end;
        return;
      }
      const left = deadline - Date.now();
      if (background.child.exitCode !== null || left <= 0) {
        throw new Error(difference(background.command, shown, this.#there(unread)));
      }
      const timeout = new Promise((resolve) => setTimeout(resolve, left).unref());
      await Promise.race([once(background.child.stdout as Readable, "data"), background.ended, timeout]);
    }
  }

  /** At a terminal of 120 columns, as the reader has it. */
  #spawn(script: string): { readonly child: ChildProcess; output(): string } {
    const file = join(this.#outer, "commands.sh");
    writeFileSync(file, `stty cols 120 -echo -echoctl\n${script}`);
    const child = spawn("script", ["-qec", `bash '${file}'`, "/dev/null"], { env: this.#env, stdio: "pipe" });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    return { child, output: () => onScreen(text) };
  }

  #here(text: string): string {
    return this.#options.replaced.reduce((all, [page, run]) => all.replaceAll(page, run), text);
  }

  #there(text: string): string {
    return this.#options.replaced.reduce((all, [page, run]) => all.replaceAll(run, page), text);
  }
}

/** What is left on the terminal's screen. */
function onScreen(text: string): string {
  return withQuickAnswers(stripVTControlCharacters(withoutErased(text.replaceAll("\r", ""))));
}

/** On a busy machine the app may be too slow for an event and its answer to be one line, as they are on the pages. */
function withQuickAnswers(text: string): string {
  const late = /^(\d\d:\d\d:\d\d #(\d+) (?!.*→).*)\n((?:.*\n)*?)\d\d:\d\d:\d\d #\2 +→ 200 {2}(.*\n)/gm;
  return text.replace(late, "$1  → 200 $4$3");
}

/** Whether the program of a word like `needs=php` is installed. */
function hasPrograms(words: readonly string[]): boolean {
  const needed = words.filter((word) => word.startsWith("needs=")).map((word) => word.slice("needs=".length));
  return needed.every((program) => spawnSync(program, ["--version"]).status === 0);
}

interface ShownCommand {
  readonly command: string;
  /** The output that the page shows below the command. */
  readonly shown: string | undefined;
}

function transcript(text: string): readonly ShownCommand[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = "", rest = ""] = splitCommand(part);
      return { command, shown: rest.trim() === "" ? undefined : rest };
    });
}

function shellLines(text: string): readonly ShownCommand[] {
  const commands: ShownCommand[] = [];
  for (let rest = text; rest !== ""; ) {
    const [command, after] = splitCommand(rest);
    if (!/^\s*(#.*)?$/.test(command)) commands.push({ command, shown: undefined });
    rest = after;
  }
  return commands;
}

/** The first command, which may go on over lines that end with a backslash, and what follows it. */
function splitCommand(text: string): readonly [string, string] {
  const [line = ""] = /^(?:[^\n]*\\\n)*[^\n]*\n?/.exec(text) ?? [];
  return [line.trimEnd(), text.slice(line.length)];
}

/**
 * Whether an output is what the page shows, but for what differs from run to run: where a long line is broken depends on the
 * path of the program. A line `…` stands for any lines.
 */
function matches(output: string, shown: string): boolean {
  const lines = alike(shown).split("\n");
  const pattern = lines
    .map((line) => (line === "…" ? "(?:.*\n)*?" : `${escaped(line).replace(/ +/g, "\\s+")}\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${alike(output)}\n`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function alike(text: string): string {
  return (
    text
      .replace(/node \S*zoho-hooks\.js/g, "zoho-hooks")
      // Named where the port is not the usual one.
      .replace(/ --to \d+/g, "")
      .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g, "DATE")
      .replace(/\b\d{4}-\d\d-\d\d\b/g, "DATE")
      .replace(/(?<!\d)\d\d:\d\d(:\d\d)?\b/g, "TIME")
      .replace(/#[\w-]{22}$/gm, "#TOKEN")
      .replace(/\b[0-9a-f]{16,}\b/gi, "ID")
      .replace(/[\w+/-]{40,}={0,2}/g, "ID")
      .replace(/\d{12,}/g, "ID")
      .replace(/(127\.0\.0\.1|localhost|\[::1\]|--to|--port|--forward-to|listen):? ?\d+/g, "$1 PORT")
      .replace(/\b[\d.]+ m?s\b/g, "N s")
      .replace(/\b[\d.]+ (B|kB|minutes?|hours?)\b/g, "N $1")
      .replace(/(?<=\S) {2,}/g, " ")
      .replace(/ +$/gm, "")
      .trimEnd()
  );
}

function difference(command: string, shown: string, seen: string): string {
  return `$ ${command}\nthe page shows:\n${shown.trimEnd()}\n\nit printed:\n${seen.trimEnd()}`;
}
