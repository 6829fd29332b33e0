#!/usr/bin/env node
"use strict";
// Compiled code is kept between runs (NODE_DISABLE_COMPILE_CACHE=1: not): by Node itself from version 22 on, in the
// system's temporary folder; by us before.
const { enableCompileCache } = process.getBuiltinModule("node:module");
if (enableCompileCache === undefined) require("./compile-cache.js");
else enableCompileCache();

const { main, nodeRuntime } = require("../dist/cli.cjs");
main(nodeRuntime((url) => import(url))).then((status) => {
  process.exitCode = status;
  // The process ends by itself once nothing is left to do. A native call that is never answered (a tunnel whose network
  // has died) must not hold it: what was written is out by then.
  process.stdout.write("", () => setTimeout(() => process.exit(), 1000).unref());
});
