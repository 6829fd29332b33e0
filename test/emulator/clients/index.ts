import { activepieces } from "./activepieces.ts";
import { dereekb } from "./dereekb.ts";
import { n8n } from "./n8n.ts";
import { airbyte, nango, passport } from "./others.ts";
import { pipedreamBooks, pipedreamCrm, pipedreamDesk } from "./pipedream.ts";
import type { Client } from "./replay.ts";

export const clients: readonly Client[] = [
  n8n,
  dereekb,
  activepieces,
  pipedreamCrm,
  pipedreamDesk,
  pipedreamBooks,
  airbyte,
  nango,
  passport,
];

/** A table of what each client does not get, for the documentation. */
export function parityTable(): string {
  const rows = clients.map(({ name, calls, gaps = {} }) => {
    const count = Object.keys(gaps).length;
    return `| ${name} | ${calls.length - count} of ${calls.length} | ${[...new Set(Object.values(gaps))].join("; ")} |`;
  });
  return ["| client | calls that work | what it lacks |", "| --- | --- | --- |", ...rows].join("\n");
}
