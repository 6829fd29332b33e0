import { errorCode } from "../core/errors.ts";
import type { Exchange } from "./exchange.ts";

/** What is known of a server from what was posted to it before. */
export interface ServerHabits {
  hasAnswered: boolean;
  /** It closes connections that it has not said it would close: each delivery gets one of its own. */
  hangsUp: boolean;
}

export function noHabits(): ServerHabits {
  return { hasAnswered: false, hangsUp: false };
}

/**
 * Learns from how an exchange has ended. True where a connection that may have been used before was closed without a word of
 * an answer by a server that has answered before: perhaps before the delivery had come, as the end of the last answer.
 */
export function learn(habits: ServerHabits, { status, error }: Pick<Exchange, "status" | "error">): boolean {
  const code = errorCode(error);
  if (code === "ECONNREFUSED") {
    // What comes back may be another program, or the same one that had only ended in the middle of something.
    Object.assign(habits, noHabits());
    return false;
  }
  const isHungUp = status === undefined && HUNG_UP.has(code) && habits.hasAnswered && !isFirstUse(error);
  habits.hangsUp ||= isHungUp;
  habits.hasAnswered ||= status !== undefined;
  return isHungUp;
}

/** Nothing has ever come on it: it was closed over this delivery, which an app may have crashed at. */
function isFirstUse(error: unknown): boolean {
  const socket = error instanceof Error && "socket" in error ? error.socket : undefined;
  return typeof socket === "object" && socket !== null && "bytesRead" in socket && socket.bytesRead === 0;
}

const HUNG_UP: ReadonlySet<unknown> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);
