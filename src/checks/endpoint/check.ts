import type { PostResult } from "../../forward/post.ts";
import { type Found, failed } from "../finding.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Subject } from "./samples.ts";

/** One thing that an endpoint must do, as data and a small function. */
export interface Check {
  /** Stable: `security.wrong-token`. The part before the dot is its group. */
  readonly id: string;
  /** Describes a good endpoint, as a clause: `refuses a wrong token`. */
  readonly title: string;
  /** An endpoint that does not gets a warning, which does not fail the run. */
  readonly onlyWarns?: true;
  /** Why it matters, as the guide or Zoho says. */
  readonly why: string;
  readonly remedy: string;
  /** How many sample events an app may act on because of it, at most. Default: 1. */
  readonly events?: number;
  /** It needs the events that are sent at once, which all checks share. */
  readonly bursts?: true;
  /** Condition for running it: nothing, a connection, an answer to a valid delivery, or its acceptance (the default). */
  readonly after?: "nothing" | "reachable" | "answer";
  /** Another check whose failure leaves nothing to see here. */
  readonly unless?: string;
  /** Left out where the format or the address has nothing like it. */
  applies?(subject: Subject): boolean;
  /** Why it cannot be tried: a secret or a flag is missing. */
  missing?(subject: Subject): string | undefined;
  run(endpoint: Endpoint): Promise<Found>;
}

/** A finding about an answer, or about the lack of one. */
export function fault(text: string, sent: string, answer: PostResult | string): Found {
  const received = typeof answer === "string" ? answer : answerText(answer);
  return failed(text, undefined, { sent, "came back": received });
}

/** A problem that the endpoint does not have yet, or that a sender may put up with. */
export function warning(...evidence: Parameters<typeof fault>): Found {
  return { ...fault(...evidence), outcome: "warning" };
}

export function groupOf({ id }: Pick<Check, "id">): string {
  return id.split(".", 1)[0] ?? id;
}

/** `200 "OK"`, with the white space of a page of HTML made one space each, or why there is no answer. */
function answerText({ status, replyPreview, error }: PostResult): string {
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

export function isRedirect({ status = 0 }: PostResult): boolean {
  return status >= 300 && status < 400;
}

/** A 5xx, or no answer at all. */
export function isCrash({ status = 0, error }: PostResult): boolean {
  return error !== undefined || status >= 500;
}
