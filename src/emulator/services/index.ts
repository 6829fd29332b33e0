import { z } from "zod";
import type { ServiceDefinition } from "../service.ts";
import { accountsState } from "../state.ts";
import { crm } from "./crm/index.ts";
import { desk } from "./desk/index.ts";
import { finance } from "./finance/index.ts";
import { sign } from "./sign.ts";

/** What the organisation has. The first whose paths match a request answers it. */
export const definitions: readonly ServiceDefinition[] = [crm, finance, sign, desk];

/**
 * Everything that an emulated organisation holds, as JSON, for `--state`. Services change their part in place. A member whose name
 * ends in `At` is a time, or a list of times, in milliseconds since the epoch.
 */
export const emulatorState = z.object({
  accounts: accountsState,
  services: z.object(Object.fromEntries(definitions.map(({ name, schema }) => [name, schema]))),
});

export interface EmulatorState {
  accounts: z.infer<typeof accountsState>;
  /** By the name of the service. */
  services: Record<string, unknown>;
}

export function emptyState(): EmulatorState {
  return {
    accounts: { grants: {}, grantedAt: [], refreshTokens: {}, accessTokens: {} },
    services: Object.fromEntries(definitions.map(({ name, empty }) => [name, empty()])),
  };
}
