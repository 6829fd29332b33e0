import { usageError } from "../core/errors.ts";
import { type Credential, type Secret, type Secrets, secret } from "../core/secret.ts";

/** The environment variable of each credential. With `_CRM` behind it, it is that product's own. */
export const CREDENTIAL_VARIABLES: Readonly<Record<Credential, string>> = {
  secret: "ZOHO_WEBHOOK_SECRET",
  token: "ZOHO_WEBHOOK_TOKEN",
};

/** Secrets given on the command line as files, by credential. They go before the environment. */
export type GivenSecrets = Readonly<Partial<Record<Credential, Secret>>>;

/**
 * The secrets of the environment and of flags. A product's own variable replaces the general one.
 * A variable that is set but empty is an error: it would switch the check off unseen.
 */
export function readSecrets(env: Readonly<Record<string, string | undefined>>, given: GivenSecrets = {}): Secrets {
  const found = new Map<string, Secret>();
  for (const variable of Object.values(CREDENTIAL_VARIABLES)) {
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined || !(name === variable || name.startsWith(`${variable}_`))) continue;
      if (value.trim() === "") throw emptySecret(name);
      found.set(name, secret(value, name));
    }
  }
  return {
    for(credential, product) {
      const one = given[credential] ?? found.get(ownVariable(credential, product)) ?? found.get(variableOf(credential));
      return one === undefined ? [] : [one];
    },
    all: () => [...Object.values(given).filter((each) => each !== undefined), ...found.values()],
  };
}

function emptySecret(name: string): Error {
  return usageError(`${name} is set but empty`, `give it a value, or unset it to go without: unset ${name}`);
}

function variableOf(credential: Credential): string {
  return CREDENTIAL_VARIABLES[credential] ?? credential;
}

function ownVariable(credential: Credential, product: string): string {
  return `${variableOf(credential)}_${product.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}
