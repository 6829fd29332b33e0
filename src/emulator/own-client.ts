import { POLL_USER_AGENT, USER_AGENT } from "../zoho-api/user-agent.ts";
import type { ApiRequest } from "./answer.ts";

/** Whether a request comes from `zoho-hooks` itself. */
export function isOwnClient(request: Pick<ApiRequest, "headers">): boolean {
  return request.headers["user-agent"] === USER_AGENT || isPoll(request);
}

/**
 * Whether a running command asks this every few seconds. Such a request is not listed, where it would push all others out,
 * and uses up no fault that is meant for them.
 */
export function isPoll({ headers }: Pick<ApiRequest, "headers">): boolean {
  return headers["user-agent"] === POLL_USER_AGENT;
}
