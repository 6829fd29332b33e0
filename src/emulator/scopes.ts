const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  GET: ["read"],
  POST: ["write", "create"],
  PUT: ["write", "update"],
  PATCH: ["write", "update"],
  DELETE: ["delete"],
};

/**
 * Whether scopes allow a method for a resource such as `Desk.tickets` or `ZohoCRM.settings.modules`: by the operation, by `ALL`, by
 * those of a group that contains it, or by `fullaccess.all` of the service. Zoho itself writes them in different cases.
 */
export function allows(scopes: readonly string[], resource: string, method: string): boolean {
  const owned = new Set(scopes.map((scope) => scope.toLowerCase()));
  const [service = "", ...groups] = resource.toLowerCase().split(".");
  if (owned.has(`${service}.fullaccess.all`)) return true;
  const operations = ["all", ...(OPERATIONS[method] ?? [])];
  return groups.some((_, i) =>
    operations.some((each) => owned.has([service, ...groups.slice(0, i + 1), each].join("."))),
  );
}
