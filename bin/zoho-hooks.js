#!/usr/bin/env node
"use strict";

if (!isVersionAnswered()) run();

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

function run() {
  const { dirname, join } = require("node:path");
  const { load } = require("./compile-cache.js");
  const packageRoot = dirname(__dirname);
  load(join(packageRoot, "dist/cli.cjs")).start({ packageRoot, importModule: (url) => import(url) });
}
