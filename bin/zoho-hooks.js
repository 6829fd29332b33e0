#!/usr/bin/env node
"use strict";

if (!isVersionAnswered() && !isNodeTooOld()) run();

/** Scripts ask for it over and over, so nothing is loaded for it. Where it cannot be written, the program says why. */
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

/** There the commands would end as bugs, each in a place of its own: npm only warns when it installs. */
function isNodeTooOld() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return false;
  process.exitCode = 2;
  const message = `zoho-hooks needs Node 20.19 or later, and this is ${process.versions.node}`;
  const hint = "install a newer one from https://nodejs.org, or with the version manager that you use";
  const error = { code: "usage", message, hint };
  const isJson = process.argv.includes("--json");
  process.stderr.write(isJson ? `${JSON.stringify({ v: 1, error })}\n` : `error: ${message}\n  ${hint}\n`);
  return true;
}

function run() {
  const { dirname, join } = require("node:path");
  const { load } = require("../dist/compile-cache.cjs");
  const packageRoot = dirname(__dirname);
  load(join(packageRoot, "dist/cli.cjs")).start({ packageRoot, importModule: (url) => import(url) });
}
