import { type Answer, type ApiRequest, bareFault, type Service, scopeMismatch } from "./answer.ts";
import { MODULES } from "./watch-item.ts";

const FIELDS: Readonly<Record<string, string>> = {
  Stage: "554023000000000525",
  Account_Name: "554023000000000523",
  Lead_Source: "554023000000000535",
  Amount: "554023000000000527",
};

/** Modules, fields and records of CRM, Bigin and Recruit. */
export class Crm implements Service {
  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    return /^\/(crm|bigin|recruit)\//.test(request.path) ? crmData(request, scopes) : undefined;
  }
}

function crmData(request: ApiRequest, scopes: readonly string[]): Answer {
  const [, product = "", rest] = /^\/(crm|bigin|recruit)\/v\d\/(.+)$/.exec(request.path) ?? [];
  if (request.method !== "GET" || rest === undefined) return notThere();
  if (rest === "settings/modules") {
    return guarded(scopes, ["ZohoCRM.settings.modules.READ"], { modules: named(MODULES) });
  }
  if (rest === "settings/fields") {
    return guarded(scopes, ["ZohoCRM.settings.fields.READ"], { fields: named(FIELDS) });
  }
  const [module = "", id = "", more] = rest.split("/");
  if (MODULES[module] === undefined || !/^\d+$/.test(id) || more !== undefined) return notThere();
  if (id.endsWith("0")) return { status: 204 };
  // The id is a number of 19 digits: a client that rounds it asks for another record.
  const data = `{"data":[{"id":${id},"Last_Name":"Strict","Company":"Acme"}]}`;
  const prefix = { crm: "ZohoCRM", bigin: "ZohoBigin", recruit: "ZohoRecruit" }[product];
  return guarded(scopes, [`${prefix}.modules.READ`, `${prefix}.modules.ALL`], data);
}

function named(entries: Readonly<Record<string, string>>): unknown[] {
  return Object.entries(entries).map(([api_name, id]) => ({ api_name, id, plural_label: api_name }));
}

function guarded(scopes: readonly string[], allowed: readonly string[], body: unknown): Answer {
  return allowed.some((scope) => scopes.includes(scope)) ? { status: 200, body } : scopeMismatch();
}

function notThere(): Answer {
  return bareFault(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one");
}
