import { resolve } from "node:path";
import type { Context } from "../project/context.ts";
import { usageError } from "../util/errors.ts";
import { writeFileAtomically } from "../util/files.ts";
import { type JUnitCase, type JUnitSuite, junitText } from "./junit.ts";

type Write = (cases: readonly JUnitCase[], suite: JUnitSuite) => void;

/** For `--summary junit=FILE`. Throws a usage error for another value, before anything is sent. */
export function summaryWriter(context: Context, summary: string | undefined): Write {
  if (summary === undefined) return () => {};
  const [, file] = /^junit=(.+)$/s.exec(summary) ?? [];
  if (file === undefined) {
    throw usageError(
      `--summary: ${JSON.stringify(summary)} is not a summary`,
      "write it as junit=FILE, such as --summary junit=check.xml",
    );
  }
  const path = resolve(context.cwd, file);
  return (cases, suite) => writeFileAtomically(path, junitText(cases, suite));
}
