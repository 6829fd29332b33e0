import { pathText } from "../model/schema.ts";
import { usageError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { type EmulatorState, emulatorState } from "./services/index.ts";

const TYPE = "zoho-hooks emulator";
const VERSION = 1;

/** All that an organisation holds: the content of a file of `--state`, and what the control call `snapshot` answers. */
export interface Snapshot {
  readonly type: typeof TYPE;
  readonly v: typeof VERSION;
  readonly state: EmulatorState;
}

/** The state itself, which goes on changing: it is to be serialised at once. */
export function snapshotOf(state: EmulatorState): Snapshot {
  return { type: TYPE, v: VERSION, state };
}

/** The state of a snapshot, not a copy. Throws a usage error for anything else; `name` is what the user calls it. */
export function readSnapshot(content: unknown, name: string, hint: string): EmulatorState {
  const { type, v, state } = isRecord(content) ? content : {};
  if (type !== TYPE) throw usageError(`${name} is not a state of zoho-hooks emulate`, hint);
  if (v !== VERSION)
    throw usageError(`${name} is of another version of zoho-hooks (${JSON.stringify(v)}, not ${VERSION})`, hint);
  const [issue] = emulatorState.safeParse(state).error?.issues ?? [];
  // Not what Zod returns, which is a copy.
  if (issue === undefined) return state as EmulatorState;
  const place = pathText(["state", ...(issue.path as string[])]);
  throw usageError(`${name} is damaged: ${place} is missing or of another type`, hint);
}
