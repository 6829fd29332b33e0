#!/usr/bin/env node
// From Node 22 on compiled code is kept between runs, in the system's temporary folder (NODE_DISABLE_COMPILE_CACHE=1: not).
if (Number.parseInt(process.versions.node, 10) >= 22) process.getBuiltinModule("node:module").enableCompileCache?.();

const { main, nodeRuntime } = await import("../dist/cli.js");
process.exitCode = await main(nodeRuntime());
// The process ends by itself once nothing is left to do. A native call that is never answered (a tunnel whose network
// has died) must not hold it: what was written is out by then.
process.stdout.write("", () => setTimeout(() => process.exit(), 1000).unref());
