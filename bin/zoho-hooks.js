#!/usr/bin/env node
import { main, nodeRuntime } from "../dist/cli.js";

process.exitCode = await main(nodeRuntime());
