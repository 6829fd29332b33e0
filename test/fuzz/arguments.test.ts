import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import fc from "fast-check";
import { addCommands } from "../../src/commands/command.ts";
import { commands } from "../../src/commands/index.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { ToolCommand } from "../../src/terminal/help.ts";
import { runBin } from "../support/bin.ts";
import { newEntry } from "../support/log-entry.ts";
import { run, tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";
import { type Edit, edited, edits, hostileText } from "./edits.ts";
import { checkEnd, fuzz } from "./fuzz.ts";

/** A command line in a project, with a payload on stdin and in a file. */
interface Case {
  readonly argv: readonly string[];
  readonly edits: readonly Edit[];
}

/** What they start would outlive the case, or belongs to the user's desktop. */
const LEFT_OUT = new Set(["--exec", "--open", "--edit", "--browser", "--every"]);
const PASSWORD = "planted-password-5c1f";
const PLAUSIBLE = [
  ...[
    "crm",
    "books",
    "desk",
    "Leads.create",
    "*.create",
    "invoice_created",
    "Ticket.Create",
    "guide",
    "wire",
    "workflow",
  ],
  ...[
    "0",
    "1",
    "3",
    "7",
    "99",
    "1ms",
    "10s",
    "2d",
    "1mb",
    "2xx",
    "4xx,500",
    "payload.json",
    "@payload.json",
    "key.pem",
    "-",
  ],
  ...[
    "127.0.0.1:1",
    "http://localhost:1/x",
    "1",
    "ids[0]=1",
    "a.b=@payload.json",
    "x: y",
    "Leads.create=1",
    "127.0.0.1/8",
  ],
  ...["dangling", "folder", ".zoho-hooks/events.db", "ndjson", "curl", "ack", "none", "warn", "us", "production"],
  `https://user:${PASSWORD}@127.0.0.1:1/?token=${PASSWORD}`,
];
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PLAUSIBLE) },
  // Nothing is written to the root of this machine.
  hostileText.map((text) => (text.startsWith("/dev/") ? text : text.replace(/^[/~]/, "")).slice(0, 5000)),
);

interface Called {
  readonly words: readonly string[];
  readonly flags: readonly { readonly name: string; readonly takesValue: boolean }[];
  readonly values: number;
}

const program = new ToolCommand("zoho-hooks");
await addCommands(
  program,
  () => async () => {},
  commands,
  () => true,
);

function calls(command: Command, words: readonly string[] = []): readonly Called[] {
  const flags = command.options
    .map(({ long, short, required, optional }) => ({ name: long ?? short ?? "", takesValue: required || optional }))
    .filter(({ name }) => !LEFT_OUT.has(name));
  const nested = command.commands.flatMap((child) => calls(child, [...words, child.name()]));
  return [{ words, flags, values: command.registeredArguments.length }, ...nested];
}

const argv = fc.constantFrom(...calls(program)).chain(({ words, flags, values }) => {
  const flag =
    flags.length === 0
      ? fc.constant<string[]>([])
      : fc
          .tuple(fc.constantFrom(...flags), value)
          .map(([{ name, takesValue }, text]) => (takesValue ? [name, text] : [name]));
  return fc
    .tuple(
      fc.oneof({ weight: 20, arbitrary: fc.constant(words) }, fc.array(value, { maxLength: 2 })),
      fc.array(value, { maxLength: values + 1 }),
      fc.array(flag, { maxLength: 4 }).map((each) => each.flat()),
    )
    .map((parts) => parts.flat());
});
const cases: fc.Arbitrary<Case> = fc.record({
  argv,
  edits: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, edits),
});

const PAYLOAD = Buffer.from(
  '{"module":"Leads","operation":"create","resource_uri":"https://www.zohoapis.com/crm/v8/Leads/1","ids":["4150868000000002179"],"token":"t","data":{"id":"4150868000000002179","Last_Name":"Ito"}}',
);
const env = { ZOHO_WEBHOOK_SECRET: "planted-secret-7f3a91c2", ZOHO_WEBHOOK_TOKEN: "planted-token-5e0d8871" };
/** Flags that print what is signed, or the path of a file that was written. */
const SHOWS = /^(--(dry-run|curl|show-|out)|-o)/;

const template = openLog({ path: join(tempFolder(), "events.db"), now: () => new Date() }).then(async (log) => {
  for (let n = 1; n <= 3; n++) await log.append(newEntry({ body: PAYLOAD }));
  await log.close();
  return log.path;
});

async function inProject(each: Case, call: (cwd: string, stdin: Buffer) => Promise<void>): Promise<void> {
  const cwd = tempFolder();
  mkdirSync(join(cwd, ".zoho-hooks"));
  copyFileSync(await template, join(cwd, ".zoho-hooks", "events.db"));
  const payload = edited(PAYLOAD, each.edits);
  writeFileSync(join(cwd, "payload.json"), payload);
  writeFileSync(join(cwd, "key.pem"), testKeys.privateKey);
  mkdirSync(join(cwd, "folder"));
  symlinkSync("nothing", join(cwd, "dangling"));
  await call(cwd, payload).finally(() => rmSync(cwd, { recursive: true, force: true }));
}

const neverShown = (words: readonly string[]): readonly string[] =>
  words.some((word) => SHOWS.test(word)) ? [] : [...Object.values(env), PASSWORD];

/** `types --out` prints the path that it has written, as it is. */
const printsPath = (words: readonly string[]): boolean =>
  words.includes("--out") && words.some((word) => /[\p{Cc}\p{Cf}]/u.test(word));

/** Commands that go on are interrupted. */
const INTERRUPT_MS = 100;

fuzz<Case>({
  name: "arguments",
  share: 0.1,
  // In this process `mcp` would read its input.
  cases: cases.filter(({ argv: words }) => !printsPath(words) && !words.includes("mcp")),
  lanes: 2,
  check: (each) =>
    inProject(each, async (cwd, stdin) => {
      const interrupt = new AbortController();
      const timer = setTimeout(() => interrupt.abort("SIGINT"), INTERRUPT_MS);
      const ended = await run(each.argv, { cwd, stdin, env, signal: interrupt.signal, unchecked: true });
      clearTimeout(timer);
      checkEnd(ended, neverShown(each.argv));
    }),
});

fuzz<Case>({
  name: "arguments-in-children",
  share: 0.01,
  cases: cases.filter(
    ({ argv: words }) =>
      !printsPath(words) && !["listen", "--follow", "ui", "emulate"].some((name) => words.includes(name)),
  ),
  lanes: 2,
  check: (each) =>
    inProject(each, async (cwd, stdin) => {
      // No program can be given a word with a NUL in it.
      const words = each.argv.map((word) => word.replaceAll("\0", ""));
      const { status: exitCode, stdout: out, stderr: err } = await runBin(words, { cwd, stdin, env, unchecked: true });
      checkEnd({ exitCode, out, err }, neverShown(words));
    }),
});
