import type { SignIn } from "./sign-in.ts";
import { signInProducts } from "./sign-in-products.ts";

/** What a person does to sign in anew in the place of a sign-in that does not do. */
export interface SignInAgain {
  readonly how: string;
  /** The same where the organisation may live in another data centre. */
  readonly elsewhere: string;
}

/** For whoever has no sign-in yet. */
export const FIRST_SIGN_IN: SignInAgain = {
  how: "zoho-hooks login",
  elsewhere: "zoho-hooks login --dc auto finds the data centre",
};

/** What is known of a sign-in without its secrets. */
export type Known = Pick<SignIn, "name" | "centre" | "environment" | "scopes">;

/** A scope that the sign-in lacks, and the product that it is of. */
interface Lack {
  readonly product: string;
  /** One that `login` does not ask for with the product. */
  readonly beyond: string | undefined;
}

/**
 * `login` makes a profile anew: what its flags do not name of the products, the data centre and the environment would be
 * lost, and without a name another profile. The environment's sign-in goes before every profile: no `login` takes its place.
 */
export function signInAgain(
  { name, centre, environment, scopes, access }: Known & Partial<Pick<SignIn, "access">>,
  lack?: Lack,
): SignInAgain {
  if (name === "environment") {
    const variable = access?.kind === "fixed" ? "ZOHO_ACCESS_TOKEN" : "ZOHO_REFRESH_TOKEN";
    return { how: `set ${variable} to a new one`, elsewhere: "ZOHO_DC names the data centre" };
  }
  const had = signInProducts().filter((each) => each.scopes.every((scope) => scopes.includes(scope)));
  const ids = [...(lack === undefined ? [] : [lack.product]), ...had.map(({ id }) => id)];
  const products = [...new Set(ids)].map((id) => `--product ${id}`);
  const command = (dc: string): string =>
    [
      "zoho-hooks login",
      ...(products.join() === "--product crm" && lack === undefined ? [] : products),
      ...(lack?.beyond === undefined ? [] : [`--scope ${lack.beyond}`]),
      ...(dc === "us" ? [] : [`--dc ${dc}`]),
      ...(environment === "production" ? [] : [`--environment ${environment}`]),
      ...(name === "default" ? [] : [`--profile ${name}`]),
    ].join(" ");
  return { how: command(centre.id), elsewhere: `${command("auto")} finds the data centre` };
}
