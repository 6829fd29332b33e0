import type { PostResult } from "../../forward/post.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Subject } from "./subject.ts";

/** One thing that an endpoint must do, as data and a small function. */
export interface Check {
  /** Stable: `security.wrong-token`. The part before the dot is its group. */
  readonly id: string;
  /** What a good endpoint does, as a clause: `refuses a wrong token`. */
  readonly title: string;
  /** The outcome where an endpoint does not: a `warning` does not fail the run. */
  readonly severity: "error" | "warning";
  /** Why it matters, as the guide or Zoho says. */
  readonly why: string;
  readonly remedy: string;
  /** How many sample events an app may act on because of it, at most. */
  readonly events: number;
  /** What must have worked before: nothing, a connection, an answer to a valid delivery, or its acceptance. */
  readonly after: "nothing" | "reachable" | "answer" | "accepted";
  /** Another check whose failure leaves nothing to see here. */
  readonly unless?: string;
  /** Left out where the format or the address has nothing like it. */
  applies?(subject: Subject): boolean;
  /** Why it cannot be tried: a secret or a flag is missing. */
  missing?(subject: Subject): string | undefined;
  run(endpoint: Endpoint): Promise<Result>;
}

export interface Result {
  readonly outcome: "passed" | "warning" | "failed" | "skipped";
  /** One line. For a check that passed, what may stand behind its title. */
  readonly text: string;
  readonly sent?: string;
  readonly received?: string;
  /** It was skipped because the endpoint cannot be reached, or accepts no valid delivery. */
  readonly isBlocked?: boolean;
  /** In the place of the check's own. */
  readonly remedy?: string | undefined;
}

export function passed(text = ""): Result {
  return { outcome: "passed", text };
}

export function skipped(text: string): Result {
  return { outcome: "skipped", text };
}

export function failed(text: string, sent: string, answer: PostResult | string): Result {
  return { outcome: "failed", text, sent, received: typeof answer === "string" ? answer : answerText(answer) };
}

/** A problem that the endpoint does not have yet, or that a sender may put up with. */
export function warned(text: string, sent: string, answer: PostResult | string): Result {
  return { ...failed(text, sent, answer), outcome: "warning" };
}

export function groupOf({ id }: Pick<Check, "id">): string {
  return id.split(".", 1)[0] ?? id;
}

/** `200 "OK"`, with the white space of a page of HTML made one space each, or why there is no answer. */
export function answerText({ status, replyPreview, error }: PostResult): string {
  if (error !== undefined) return error.message;
  return replyPreview === ""
    ? `${status}, no text`
    : `${status} ${JSON.stringify(replyPreview.replace(/\s+/g, " ").slice(0, 500))}`;
}

/** The status, or why there is none, within a sentence. */
export function statusText({ status, error }: PostResult): string {
  return error === undefined ? `answered ${status}` : (NO_ANSWER[error.code] ?? "gave no answer");
}

const NO_ANSWER: Readonly<Record<string, string>> = {
  timeout: "did not answer in time",
  ECONNRESET: "closed the connection",
  EPIPE: "closed the connection",
  UND_ERR_SOCKET: "closed the connection",
};

export function isAccepted({ status = 0, error }: PostResult): boolean {
  return error === undefined && status >= 200 && status < 300;
}

/** A 5xx, or no answer at all. */
export function isCrash({ status = 0, error }: PostResult): boolean {
  return error !== undefined || status >= 500;
}
