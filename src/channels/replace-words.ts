import { oneLine, shellQuoted } from "../util/text.ts";
import type { Channel } from "./channel.ts";
import { fieldsOf } from "./conditions.ts";
import { contractEvents } from "./events.ts";

/**
 * Words of the `channels` command that writes a channel again: `create Leads.create --id 5 --values`. It keeps its URL and
 * its token; all else that it is to keep has to be said. Zoho's host, which lists the events, may be a stranger's.
 */
export function replaceWords({ id, events, values, related, conditions }: Omit<Channel, "modules">): string {
  return [
    "create",
    contractEvents(events).map(quoted).join(","),
    `--id ${id}`,
    ...(values === true ? ["--values"] : []),
    ...(related === true ? ["--related"] : []),
    ...conditions.map((condition) => `--fields ${fieldsFlag(condition)}`),
  ].join(" ");
}

/** What `--fields` makes a condition of: `Deals:Stage,Amount`. A placeholder for a condition that it cannot make. */
function fieldsFlag(condition: unknown): string {
  const [module, names] = fieldsOf(condition);
  return module && names ? `${quoted(module)}:${names.map(quoted).join(",")}` : "…";
}

function quoted(name: string): string {
  return shellQuoted(oneLine(name));
}
