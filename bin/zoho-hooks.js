#!/usr/bin/env node
"use strict";
require("./compile-cache.js");

const { main, nodeRuntime } = require("../dist/cli.cjs");
main(nodeRuntime((url) => import(url))).then((status) => {
  process.exitCode = status;
  // The process ends by itself once nothing is left to do. A native call that is never answered (a tunnel whose network
  // has died) must not hold it: what was written is out by then.
  const end = () => setTimeout(() => process.exit(), 1000).unref();
  process.stdout.write("", () => process.stderr.write("", end));
});
