import { spawnSync } from "node:child_process";

/** Whether this machine has the openssl command; continuous integration does. */
export const hasOpenssl: boolean = spawnSync("openssl", ["version"]).status === 0;

/** Runs openssl on the input and returns what it prints. */
export function openssl(argv: readonly string[], input: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync("openssl", argv, { input });
  if (status !== 0) throw new Error(`openssl ${argv.join(" ")}: ${stderr.toString("utf8")}`);
  return stdout;
}
