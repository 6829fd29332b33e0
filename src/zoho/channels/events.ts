import { nearest } from "../../core/event-names.ts";
import { usageError } from "../../util/errors.ts";

/** What a channel can be asked to tell of. A callback says `insert` and `update` for the first two. */
const OPERATIONS = ["create", "edit", "delete", "all"];
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ["update", "edit"],
  ["insert", "create"],
  ["updated", "edit"],
]);

/**
 * The events of a subscription as Zoho takes them: `<Module>.<operation>`, each once, in the order given.
 * `Leads.update` is what callbacks and people call `Leads.edit`. Throws a usage error for anything else.
 */
export function normaliseEvents(names: readonly string[]): readonly string[] {
  const events = names
    .flatMap((name) => name.split(","))
    .flatMap((name) => (name.trim() === "" ? [] : [one(name.trim())]));
  if (events.length > 0) return [...new Set(events)];
  throw usageError("no event is given", "name at least one, such as Leads.create or Deals.all");
}

function one(name: string): string {
  const match = /^([\p{L}][\p{L}\p{N}_]*)\.([a-z]+)$/iu.exec(name);
  const [, module = "", verb = ""] = match ?? [];
  const lower = verb.toLowerCase();
  const operation = OTHER_WORDS.get(lower) ?? lower;
  if (match !== null && OPERATIONS.includes(operation)) return `${module}.${operation}`;
  const [near] = nearest(operation, [...OPERATIONS, ...OTHER_WORDS.keys()], 1);
  throw usageError(
    `${JSON.stringify(name)} is not an event that a channel can tell of`,
    near === undefined || match === null
      ? `write <Module>.<operation> with one of ${OPERATIONS.join(", ")}: Leads.create, Deals.all`
      : `did you mean ${module}.${OTHER_WORDS.get(near) ?? near}?`,
  );
}

/** The same events with every `.all` as the three that it stands for, to compare with what Zoho lists. */
export function expandEvents(events: readonly string[]): readonly string[] {
  return [
    ...new Set(
      events.flatMap((event) =>
        event.endsWith(".all") ? ["create", "edit", "delete"].map((verb) => event.replace(/all$/, verb)) : [event],
      ),
    ),
  ];
}

/** The same events with the three that `.all` stands for as `.all`, to be read by people. */
export function contractEvents(events: readonly string[]): readonly string[] {
  const expanded = expandEvents(events);
  const modules = [...new Set(expanded.map((event) => event.split(".")[0] ?? ""))];
  return modules.flatMap((module) => {
    const own = expanded.filter((event) => event.startsWith(`${module}.`));
    const all = expandEvents([`${module}.all`]);
    return all.every((event) => own.includes(event)) ? [`${module}.all`] : own;
  });
}

/** What is left of the events of a channel when some are taken away. */
export function withoutEvents(events: readonly string[], taken: readonly string[]): readonly string[] {
  const gone = new Set(expandEvents(taken));
  return expandEvents(events).filter((event) => !gone.has(event));
}
