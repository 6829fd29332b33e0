import type { Answer, ApiRequest } from "../../src/emulator/answer.ts";
import type { Override } from "../../src/emulator/service.ts";
import { page, zohoTime } from "../../src/emulator/services/crm/api.ts";
import { FAILURES_PATH, listFailures } from "../../src/emulator/services/crm/failures.ts";

interface CrmFailure {
  readonly id: string;
  readonly at: string;
  readonly reason: string;
}

/** The list of failed deliveries of the emulator, which has no workflow rules, with failures in it. */
export class CrmFailures implements Override {
  crm: CrmFailure[] = [];

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const { query } = request;
    if (request.method !== "GET" || request.path !== FAILURES_PATH) return undefined;
    const answer = listFailures(request, scopes);
    if (answer.status !== 204) return answer;
    const found = this.crm.filter(({ at }) => zohoTime(Date.parse(at)).slice(0, 10) >= (query.get("from") ?? ""));
    return page(query, "webhook_failures", found, ({ id, at, reason }) => ({
      webhook: { name: "Premium Lead Alert", id: "4876876000016390771" },
      entity_details: {
        module: { api_name: "Leads", id: "4876876000000002175" },
        name: "Freelancer.com",
        id: "4876876000016474049",
      },
      failure_time: at,
      failure_reason: reason,
      id,
      workflow_rule: { name: "WF-C", id: "4876876000016390881" },
    }));
  }
}
