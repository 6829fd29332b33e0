import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Context, Prompts } from "../../context.ts";
import { errorCode, usageError } from "../../core/errors.ts";
import type { Product } from "../../core/product.ts";
import { type Secret, secret } from "../../core/secret.ts";

/** How to come by the value of a variable. */
export type CredentialAnswer =
  | { readonly variable: string; readonly how: "generate" | "none" }
  | { readonly variable: string; readonly how: "given"; readonly value: Secret };

/** Whether a delivery of these products can carry a proof that this credential checks. */
export function carries(meant: readonly Product[], credential: string): boolean {
  return meant.some((product) =>
    product.formats.some((format) => format.proofs.some((proof) => proof.credential === credential)),
  );
}

/** `generate`, `none`, a file that holds it, or `-` for standard input. What is given is never repeated in an error. */
export async function givenCredential(
  context: Context,
  variable: string,
  how: string,
  flag: string,
): Promise<CredentialAnswer> {
  if (how === "generate" || how === "none") return { variable, how };
  const value = (how === "-" ? await context.stdin.read() : readFile(context.cwd, how, flag)).toString("utf8");
  return given(variable, value.replace(/\r?\n$/, ""), flag);
}

export async function askCredential(prompts: Prompts, variable: string): Promise<CredentialAnswer> {
  const how = await prompts.choose({
    message: `${variable}, which deliveries are checked with?`,
    choices: [
      { value: "generate", label: "generate a new one" },
      { value: "enter", label: "enter the one that is set up in Zoho" },
      { value: "none", label: "go without: nothing is checked" },
    ],
    initial: "generate",
  });
  if (how !== "enter") return { variable, how: how === "generate" ? "generate" : "none" };
  return given(variable, await prompts.secret({ message: variable }), variable);
}

function given(variable: string, value: string, what: string): CredentialAnswer {
  if (value.trim() === "") throw usageError(`${what}: the value is empty`, "say none to go without");
  return { variable, how: "given", value: secret(value, variable) };
}

function readFile(cwd: string, path: string, flag: string): Buffer {
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    throw usageError(
      `${flag}: the file that it names cannot be read (${errorCode(error) ?? "unreadable"}); the name is not shown, since it may be the value itself`,
      `${flag} takes generate, none, the name of a file, or - for standard input`,
    );
  }
}
