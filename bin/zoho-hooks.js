#!/usr/bin/env node
"use strict";

const CLI = require("node:path").join(__dirname, "../dist/cli.cjs");

if (!isVersionAnswered() && !isNodeTooOld() && !isUnbuilt()) run();

/** Scripts ask for it often, so nothing is loaded for it. If it cannot be written, the program says why. */
function isVersionAnswered() {
  const [, , only, ...others] = process.argv;
  if (others.length > 0 || (only !== "--version" && only !== "-V")) return false;
  try {
    require("node:fs").writeSync(1, `${require("../package.json").version}\n`);
    return true;
  } catch {
    return false;
  }
}

/** Npm only warns when it installs, and the commands would crash in various places. */
function isNodeTooOld() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return false;
  fail(
    `zoho-hooks needs Node 20.19 or later, and this is ${process.versions.node}`,
    "install a newer one from https://nodejs.org, or with the version manager that you use",
  );
  return true;
}

/** A clone has no `dist`, which only packages contain. */
function isUnbuilt() {
  if (require("node:fs").existsSync(CLI)) return false;
  fail("not built yet: npm run build");
  return true;
}

function fail(message, hint) {
  process.exitCode = 2;
  const error = { code: "usage", message, hint };
  const isJson = process.argv.includes("--json");
  const text = [`error: ${message}`, ...(hint === undefined ? [] : [`  ${hint}`])].join("\n");
  process.stderr.write(`${isJson ? JSON.stringify({ v: 1, error }) : text}\n`);
}

function run() {
  const { dirname } = require("node:path");
  try {
    cacheCompiledCode();
  } catch {
    // No home folder, or a read-only or full disk: the code is compiled at each start.
  }
  require(CLI).start({ packageRoot: dirname(__dirname), importModule: (url) => import(url) });
}

/** Node's compile cache, in a folder that only this user can write to: its content is executed. */
function cacheCompiledCode() {
  const { existsSync, lstatSync, mkdirSync, statSync } = require("node:fs");
  const { userInfo } = require("node:os");
  const { isAbsolute, join } = require("node:path");
  const { env, platform } = process;
  // From Node 22.1 on.
  const enable = env.NODE_DISABLE_COMPILE_CACHE ? undefined : require("node:module").enableCompileCache;
  if (enable === undefined) return;

  const isWindows = platform === "win32";
  const named = isWindows ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
  const home = env.HOME && isAbsolute(env.HOME) ? env.HOME : userInfo().homedir;
  const caches = named && isAbsolute(named) ? named : join(home, ".cache");
  const ours = join(caches, "zoho-hooks");
  // Windows has no such modes, and these folders belong to the user there.
  const isOurs = ({ uid, mode }, forbidden) => isWindows || (uid === process.geteuid() && (mode & forbidden) === 0);
  const makePrivate = (folder) => {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    const state = lstatSync(folder);
    return state.isDirectory() && isOurs(state, 0o077);
  };
  if (!existsSync(caches)) mkdirSync(caches, { mode: 0o700 });
  if (!isOurs(statSync(caches), 0o022) || !makePrivate(ours)) return;
  const folder = join(ours, "compile-cache");
  if (makePrivate(folder)) enable(folder);
}
