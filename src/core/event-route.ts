import { usageError } from "./errors.ts";
import { type EventPattern, eventPattern } from "./event-pattern.ts";
import { checkTarget } from "./target-url.ts";

/** Events that go to a target of their own: `crm:Leads.*=http://localhost:3000/leads`. */
export interface EventRoute {
  readonly pattern: EventPattern;
  readonly target: string;
}

/** Throws a UserError for what is none, in which `what` is the flag or variable that it was named with. */
export function parseRoute(text: string, what: string): EventRoute {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) {
    throw usageError(
      `${what}: ${JSON.stringify(text)} is not a route`,
      "write it as 'crm:Leads.*=http://localhost:3000/leads'",
    );
  }
  const target = text.slice(at + 1);
  checkTarget(target, what);
  return { pattern: eventPattern(text.slice(0, at), what), target };
}
