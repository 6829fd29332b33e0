import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { BIN, cleanEnv } from "../support/bin.ts";
import { shopProject } from "../support/own-product.ts";
import { tempFolder } from "../support/run.ts";

/** A PATH with `zoho-hooks` on it, as for an installed package. */
let path = "";
beforeAll(() => {
  const folder = tempFolder();
  const file = join(folder, "zoho-hooks");
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(file, 0o755);
  path = folder + delimiter + process.env.PATH;
});

function has(shell: string): boolean {
  return process.platform !== "win32" && spawnSync(shell, ["--version"]).status === 0;
}

function shellRun(shell: string, argv: readonly string[], script: string): string[] {
  const result = spawnSync(shell, [...argv, "-c", script], { env: cleanEnv({ PATH: path }), encoding: "utf8" });
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return result.stdout.split("\n").filter((line) => line !== "");
}

describe.skipIf(!has("bash"))("completion in bash", () => {
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
    [["listen", "--max-b"], ["--max-body"]],
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
  const inTerminal = it.skipIf(process.platform !== "linux" || !has("script"));

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

  it("leaves files to the shell", () => {
    expect(complete("send", "--secret-file", "")).toEqual([]);
  });
});

describe.skipIf(!has("zsh"))("completion in zsh", () => {
  /** Replaces zsh's completion functions, which only work in its line editor, with ones that print. */
  const complete = (...words: string[]): string[] =>
    shellRun(
      "zsh",
      ["-f"],
      `compdef() { registered=$2 }
       _describe() { print -rl -- "\${(@P)4}" "\${(@q)@:5}" }
       _files() { print FILES }
       eval "$(zoho-hooks completion zsh)"
       [[ $registered == zoho-hooks ]] || exit 1
       words=(zoho-hooks ${words.map((word) => `'${word}'`).join(" ")})
       CURRENT=\${#words}
       _zoho_hooks`,
    );

  it.each([
    [["send", "boo"], ["books:Zoho Books"]],
    [["listen", "--events", "desk:Ticket.Cl"], ["desk\\:Ticket.Close:A ticket was closed"]],
    // No space follows a product, whose events come next.
    [
      ["listen", "--events", "des"],
      ["desk\\::Zoho Desk", "-S", "''"],
    ],
    [
      ["init", "--secret", ""],
      ["generate:", "none:", "FILES"],
    ],
    [["send", "crm", "Nothing"], []],
  ])("describes %j as %j", (words, lines) => {
    expect(complete(...words)).toEqual(lines);
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

describe.skipIf(!has("fish"))("completion in fish", () => {
  const complete = (line: string): string[] =>
    shellRun("fish", ["--no-config"], `zoho-hooks completion fish | source; complete -C '${line}'`);

  it.each(LINES)("completes %j", (line, lines) => {
    expect(complete(line)).toEqual(lines);
  });

  it("completes file names", () => {
    const file = join(tempFolder(), "secret.txt");
    writeFileSync(file, "");
    expect(complete(`zoho-hooks send --secret-file ${file.slice(0, -2)}`)).toEqual([file]);
  });
});

describe.skipIf(!has("pwsh"))("completion in PowerShell", () => {
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
    expect(complete(`zoho-hooks send --secret-file ${file.slice(0, -2)}`)[0]).toContain(file);
  });
});
