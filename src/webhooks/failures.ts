import { ExitCode } from "../util/errors.ts";
import type { ZohoApi } from "../zoho-api/api.ts";
import { faultError, isThrottled, readFault, replyError, ZohoApiError } from "../zoho-api/errors.ts";
import type { FailedDelivery, FailureFilter, FailureLog, FoundFailures, SendCall } from "./failure-log.ts";

/** The failed deliveries since a time, oldest first. Those of unknown time come first. */
export async function readFailures(
  api: ZohoApi,
  log: FailureLog,
  { signal, ...filter }: FailureFilter & { readonly signal: AbortSignal },
): Promise<FoundFailures> {
  const { items, more } = await log.read(sender(api, signal), filter);
  const since = items.filter(({ at }) => at === undefined || at >= filter.since);
  const timeOf = ({ at }: FailedDelivery): number => at?.getTime() ?? 0;
  return { items: since.sort((a, b) => timeOf(a) - timeOf(b)), more };
}

/** Resolves to why Zoho does not send a delivery again; undefined if it does. Throws what concerns the others as well. */
export async function resendFailure(
  api: ZohoApi,
  log: FailureLog,
  failure: FailedDelivery,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (failure.again === undefined) throw new Error(`${log.id} cannot send again`);
  try {
    const answer = await sender(api, signal)(failure.again, (body) => ({ body }));
    return log.refusal?.(answer.body, failure);
  } catch (error) {
    if (error instanceof ZohoApiError && error.exitCode === ExitCode.zohoApi && !isThrottled(error))
      return error.message;
    throw error;
  }
}

function sender(api: ZohoApi, signal: AbortSignal): SendCall {
  return async (call, read) => {
    signal.throwIfAborted();
    const reply = await api.call({ ...call, signal });
    const fault = readFault(reply.body);
    if (fault !== undefined) throw faultError(fault, reply.status, reply.call);
    const result = reply.status >= 300 ? undefined : read(reply.body, reply.status);
    if (result === undefined) throw replyError(reply, reply.call);
    return result;
  };
}
