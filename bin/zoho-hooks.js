#!/usr/bin/env node
import { main, nodeRuntime } from "../dist/cli.js";

process.exitCode = await main(nodeRuntime());
// The process ends by itself once nothing is left to do. A native call that is never answered (a tunnel whose network
// has died) must not hold it: what was written is out by then.
process.stdout.write("", () => setTimeout(() => process.exit(), 1000).unref());
