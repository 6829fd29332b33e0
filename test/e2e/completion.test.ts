import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { BIN, cleanEnv } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { shopProject } from "../support/own-product.ts";
import { tempFolder } from "../support/run.ts";

/** A PATH with `zoho-hooks` on it, as for an installed package. */
let path = "";
/** A project that has it as a dependency, where only npx finds it. */
let project = "";
beforeAll(() => {
  project = tempFolder();
  const folder = join(project, "node_modules/.bin");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(project, "package.json"), "{}");
  const file = join(folder, "zoho-hooks");
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(file, 0o755);
  path = folder + delimiter + process.env.PATH;
});

/** In the project, without the program on the PATH, and with its script there. */
function inProject(shell: string): object {
  const script = spawnSync(process.execPath, [BIN, "completion", shell], { encoding: "utf8" }).stdout;
  writeFileSync(join(project, "completion"), script);
  return { cwd: project, env: cleanEnv({ PATH: process.env.PATH }) };
}

function shellRun(shell: string, argv: readonly string[], script: string, options: object = {}): string[] {
  const env = cleanEnv({ PATH: path });
  const result = spawnSync(shell, [...argv, "-c", script], { env, encoding: "utf8", ...options });
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return result.stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(lacks("posix", "bash"))("completion in bash", () => {
  /** The words as readline splits them. The last one is unfinished. */
  const complete = (...words: string[]): string[] =>
    shellRun(
      "bash",
      ["--norc"],
      `eval "$(zoho-hooks completion bash)"
       COMP_WORDS=(zoho-hooks ${words.map((word) => `'${word}'`).join(" ")})
       COMP_CWORD=${words.length}
       $(complete -p zoho-hooks | sed 's/.*-F \\([^ ]*\\).*/\\1/') zoho-hooks
       printf '%s\\n' "\${COMPREPLY[@]}"`,
    );

  it.each([
    [["pro"], ["products"]],
    [["send", "boo"], ["books"]],
    [["send", "books", "expense_d"], ["expense_deleted"]],
    [["fixtures", "ej"], ["eject"]],
    [["listen", "--allow-u"], ["--allow-unsigned"]],
    [
      ["listen", "--events", "cr"],
      ["crm:", "creator:"],
    ],
  ])("turns %j into %j", (words, replies) => {
    expect(complete(...words)).toEqual(replies);
  });

  it("replaces only what follows : and =, as readline does", () => {
    expect(complete("listen", "--events", "desk", ":", "Ticket.Cl")).toEqual(["Ticket.Close"]);
    expect(complete("listen", "--expect", "=", "desk", ":", "Ticket.Cl")).toEqual(["Ticket.Close"]);
    expect(complete("listen", "--events", "survey", ":")).toEqual(["*", "response_submitted", "survey_completed"]);
  });

  /** What a program receives for a line that is typed with tabs in a terminal, in a folder. */
  const typed = (cwd: string, line: string, setUp = ":"): string[] => {
    const functions = `${setUp}; program() { printf 'got <%s>\\n' "$@"; }; complete -o default -F _zoho_hooks program`;
    const input = `eval "$(zoho-hooks completion bash)"; ${functions}\nprogram ${line}\nexit\n`;
    const env = cleanEnv({ PATH: path, LC_ALL: "C.UTF-8", TERM: "dumb", HISTFILE: "" });
    const argv = ["-qec", "bash --norc --noprofile -i", "/dev/null"];
    const { stdout } = spawnSync("script", argv, { cwd, input, env, encoding: "utf8" });
    return [...stdout.matchAll(/got <(.*)>\r/g)].map(([, word = ""]) => word);
  };
  // macOS has another `script`.
  const inTerminal = it.skipIf(lacks("script of util-linux"));

  inTerminal("completes names with spaces and letters of every language in a terminal", () => {
    const events = { "order.créé": "An order", "an order": "An order" };
    const about = { "webhooks/shop/product.json": JSON.stringify({ event: "x", events }) };
    const cwd = shopProject(about);
    expect(typed(cwd, "send shop order.cré\t")).toEqual(["send", "shop", "order.créé"]);
    expect(typed(cwd, "send shop an\t")).toEqual(["send", "shop", "an order"]);
  });

  inTerminal("runs no part of a name in a terminal", () => {
    const cwd = tempFolder();
    // Another version of the program may not leave such a name out.
    const other = `zoho-hooks() { printf '%s\\tAn order\\n' 'order$(touch\${IFS}PWN)'; }`;
    expect(typed(cwd, "send shop or\t", other)).toEqual(["send", "shop", `order$(touch\${IFS}PWN)`]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("serves npx zoho-hooks, and leaves everything else of npx alone", () => {
    const byNpx = (...words: string[]): string[] =>
      shellRun(
        "bash",
        ["--norc"],
        `. ./completion
         COMP_WORDS=(npx ${words.map((word) => `'${word}'`).join(" ")})
         COMP_CWORD=${words.length}
         $(complete -p npx | sed 's/.*-F \\([^ ]*\\).*/\\1/') npx
         printf '%s\\n' "\${COMPREPLY[@]}"`,
        inProject("bash"),
      );
    expect(byNpx("zoho-hooks", "send", "boo")).toEqual(["books"]);
    expect(byNpx("zoho-hooks", "listen", "--expect", "=", "desk", ":", "Ticket.Cl")).toEqual(["Ticket.Close"]);
    expect(byNpx("tsc", "pro")).toEqual([]);
    expect(byNpx("zoho")).toEqual([]);
    const other = "complete -W one npx; . ./completion; complete -p npx";
    expect(shellRun("bash", ["--norc"], other, inProject("bash"))).toEqual(["complete -W 'one' npx"]);
  });

  it("leaves files to the shell", () => {
    expect(complete("send", "--junit", "")).toEqual([]);
  });
});

describe.skipIf(lacks("posix", "zsh"))("completion in zsh", () => {
  /** Replaces zsh's completion functions, which only work in its line editor, with ones that print. */
  const complete = (words: readonly string[], load = 'eval "$(zoho-hooks completion zsh)"', options = {}): string[] =>
    shellRun(
      "zsh",
      ["-f"],
      `typeset -A _comps
       compdef() { registered+=($2) }
       _describe() { print -rl -- "\${(@P)4}" "\${(@q)@:5}" }
       _files() { print FILES }
       _default() { print DEFAULT }
       ${load}
       [[ "$registered" == "zoho-hooks npx" ]] || exit 1
       words=(${words.map((word) => `'${word}'`).join(" ")})
       CURRENT=\${#words}
       _zoho_hooks`,
      options,
    );

  it.each([
    [["send", "boo"], ["books:Zoho Books"]],
    [["listen", "--events", "desk:Ticket.Cl"], ["desk\\:Ticket.Close:A ticket was closed"]],
    // No space follows a product, whose events come next.
    [
      ["listen", "--events", "des"],
      ["desk\\::Zoho Desk", "-S", "''"],
    ],
    [["send", "crm", "Nothing"], []],
  ])("describes %j as %j", (words, lines) => {
    expect(complete(["zoho-hooks", ...words])).toEqual(lines);
  });

  it("serves npx zoho-hooks, and leaves everything else of npx alone", () => {
    const byNpx = (...words: string[]) => complete(["npx", ...words], ". ./completion", inProject("zsh"));
    expect(byNpx("zoho-hooks", "send", "boo")).toEqual(["books:Zoho Books"]);
    expect(byNpx("tsc", "pro")).toEqual(["DEFAULT"]);
  });
});

/** The suggestions for a line, in shells that show a description beside each. */
const LINES: readonly (readonly [line: string, completed: readonly string[]])[] = [
  ["zoho-hooks pro", ["products\tlist products, their events, and how their deliveries are signed"]],
  ["zoho-hooks send boo", ["books\tZoho Books"]],
  ["zoho-hooks listen --events desk:Ticket.Cl", ["desk:Ticket.Close\tA ticket was closed"]],
  ["zoho-hooks listen --events des", ["desk:\tZoho Desk"]],
  ["zoho-hooks send crm Nothing", []],
];

describe.skipIf(lacks("posix", "fish"))("completion in fish", () => {
  const complete = (line: string): string[] =>
    shellRun("fish", ["--no-config"], `zoho-hooks completion fish | source; complete -C '${line}'`);

  it.each(LINES)("completes %j", (line, lines) => {
    expect(complete(line)).toEqual(lines);
  });

  it("serves npx zoho-hooks, and leaves everything else of npx alone", () => {
    const byNpx = (line: string): string[] =>
      shellRun("fish", ["--no-config"], `source ./completion; complete -C '${line}'`, inProject("fish"));
    expect(byNpx("npx zoho-hooks send boo")).toEqual(["books\tZoho Books"]);
    expect(byNpx("npx tsc pro")).toEqual([]);
  });

  it("completes file names", () => {
    const file = join(tempFolder(), "secret.txt");
    writeFileSync(file, "");
    expect(complete(`zoho-hooks send --junit ${file.slice(0, -2)}`)).toEqual([file]);
  });
});

describe.skipIf(lacks("powershell"))("completion in PowerShell", () => {
  const complete = (line: string): string[] =>
    shellRun(
      "pwsh",
      ["-NoProfile", "-NonInteractive"],
      `zoho-hooks completion powershell | Out-String | Invoke-Expression
       (TabExpansion2 -inputScript '${line}' -cursorColumn ${line.length}).CompletionMatches |
         ForEach-Object { $_.CompletionText + [char]9 + $_.ToolTip }`,
    );

  it.each(LINES)("completes %j", (line, lines) => {
    expect(complete(line)).toEqual(lines);
  });

  it("completes the next word after a space", () => {
    expect(complete("zoho-hooks fixtures ").map((line) => line.split("\t", 1)[0])).toContain("eject");
  });

  it("completes file names", () => {
    const file = join(tempFolder(), "secret.txt");
    writeFileSync(file, "");
    expect(complete(`zoho-hooks send --junit ${file.slice(0, -2)}`)[0]).toContain(file);
  });
});
