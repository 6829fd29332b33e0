import { spawnSync } from "node:child_process";

/** Runs openssl on the input and returns what it prints. */
export function openssl(argv: readonly string[], input: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync("openssl", argv, { input });
  if (status !== 0) throw new Error(`openssl ${argv.join(" ")}: ${stderr.toString("utf8")}`);
  return stdout;
}
