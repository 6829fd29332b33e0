import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import module from "node:module";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The programs that `.ci/packages` installs. */
const INSTALLED = /^packages="(.*)"$/m.exec(readFileSync(join(ROOT, ".ci/packages"), "utf8"))?.[1]?.split(" ") ?? [];

const isWindows = process.platform === "win32";
const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);

/** An IPv4 address of this machine besides loopback; empty without one. */
export const otherAddress = addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "";

/** The program of Chromium or Chrome; empty without one. */
export const chromiumPath = firstOf(["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]);

export const pgbouncerPath = firstOf(["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]);

const DEBIANS_POSTGRESQL = "/usr/lib/postgresql";

/** The folder of `initdb` and `postgres`; empty where PostgreSQL is not installed. */
export const postgresFolder =
  [
    ...(existsSync(DEBIANS_POSTGRESQL) ? readdirSync(DEBIANS_POSTGRESQL) : [])
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIANS_POSTGRESQL, version, "bin")),
    ...(process.env.PATH ?? "").split(":"),
  ].find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))) ?? "";

/** The folder in whose node_modules Deno, Bun and miniflare are: too large for the development dependencies (.ci/runtimes). */
const RUNTIMES = process.env.RUNTIMES;
export const runtimesFolder = join(RUNTIMES ?? ROOT, "node_modules");

/** Whether tests of a runtime are run: where its package is, and always where RUNTIMES says that it has to be. */
const hasRuntime = (name: string): boolean => RUNTIMES !== undefined || existsSync(join(runtimesFolder, name));

/** What some tests need, and whether it is here. */
const NEEDS = {
  // Modes of files, signals, open files that can be deleted, and a shell.
  posix: () => !isWindows,
  linux: () => process.platform === "linux",
  bash: () => runs("bash", "--version"),
  chromium: () => chromiumPath !== "",
  curl: () => runs("curl", "--version"),
  fish: () => runs("fish", "--version"),
  openssl: () => runs("openssl", "version"),
  pgbouncer: () => pgbouncerPath !== "",
  postgresql: () => !isWindows && postgresFolder !== "" && (!isRoot() || runs("id", "postgres")),
  powershell: () => !isWindows && runs("pwsh", "--version"),
  "redis-server": () => runs("redis-server", "--version"),
  // Gives a command a terminal. That of macOS takes other arguments.
  "script of util-linux": () => process.platform === "linux" && /util-linux/.test(output("script", "-V")),
  tmux: () => runs("tmux", "-V"),
  zsh: () => runs("zsh", "--version"),
  fastapi: () => runs("/usr/bin/python3", "-c", "import fastapi, uvicorn"),
  pytest: () => runs("/usr/bin/python3", "-m", "pytest", "--version"),
  PHPUnit: () => runs("phpunit", "--version"),
  Go: () => runs("go", "version"),
  Playwright: () => existsSync(join(process.env.PLAYWRIGHT ?? "", "node_modules/@playwright/test/cli.js")),
  deno: () => hasRuntime("deno"),
  bun: () => hasRuntime("bun"),
  miniflare: () => hasRuntime("miniflare"),
  "a compile cache (Node 22.1)": () => "enableCompileCache" in module,
  "the address ::1": () => addresses.some(({ address }) => address === "::1"),
  "a second IPv4 address": () => otherAddress !== "",
  "a user other than root": () => !isRoot(),
  "a file system that ignores case": () => existsSync(tmpdir().toUpperCase()),
  "a file system that distinguishes case": () => !existsSync(tmpdir().toUpperCase()),
} as const;

type Need = keyof typeof NEEDS;

const known = new Map<Need, boolean>();

/**
 * Whether one of these is missing, for `skipIf`; the end of the run names it (temp-root.ts). In continuous integration it throws
 * instead if `.ci/packages` installs it.
 */
export function lacks(...needs: readonly Need[]): boolean {
  const missing = needs.filter((need) => !isHere(need));
  for (const need of missing) {
    if (process.env.CI === "true" && process.platform === "linux" && INSTALLED.includes(need))
      throw new Error(`these tests need ${need}, which is missing: sh .ci/packages`);
    note(need);
  }
  return missing.length > 0;
}

function isHere(need: Need): boolean {
  const here = known.get(need) ?? NEEDS[need]();
  known.set(need, here);
  return here;
}

/** The names of what `lacks` has missed in this run, in the temporary folder that all its workers share. */
const NOTES = "missing";

function note(need: string): void {
  const folder = join(tmpdir(), NOTES);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, encodeURIComponent(need)), "");
}

/** A line about the tests that were skipped in the run with this temporary folder; empty if none was. */
export function skippedText(root: string): string {
  const folder = join(root, NOTES);
  if (!existsSync(folder)) return "";
  const names = readdirSync(folder).map(decodeURIComponent).sort();
  const hint = names.some((name) => INSTALLED.includes(name)) ? " (to install: sh .ci/packages)" : "";
  return `Skipped what needs ${names.join(", ")}${hint}\n`;
}

function firstOf(paths: readonly string[]): string {
  return paths.find((path) => existsSync(path)) ?? "";
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function runs(program: string, ...argv: readonly string[]): boolean {
  return spawnSync(program, argv).status === 0;
}

function output(program: string, ...argv: readonly string[]): string {
  return String(spawnSync(program, argv).stdout);
}
