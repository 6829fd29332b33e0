import { missedChanges, type RecordChange } from "../../channels/missed.ts";
import type { Connection } from "./connection.ts";
import { asZohoError } from "./errors.ts";
import type { Change, MissedChange, MissedOptions } from "./types.ts";
import { misuse } from "./zoho-error.ts";

/** The time limit is for the whole loop, with what the app does in it. */
export async function* missed(connection: Connection, options: MissedOptions): AsyncGenerator<MissedChange> {
  const { since, modules, seen, signal: given } = options;
  const limits = { startedAt: performance.now(), resume: () => resume };
  let { resume } = options;
  const { api, product } = await connection.run(given, async () => {
    if (!(since instanceof Date)) throw misuse("since is not a Date", "new Date(Date.now() - 86_400_000) is a day ago");
    if (!Array.isArray(modules)) throw misuse("modules is not a list", 'name them: ["Leads", "Deals"]');
    if (typeof seen !== "function")
      throw misuse(
        "seen is not a function",
        "tell for each change whether the app has had a notification from then on",
      );
    return connection.api(options.product);
  });
  const changes = missedChanges(
    {
      product,
      call: (request) => connection.run(given, (signal) => api.call({ ...request, signal }), limits),
    },
    {
      since,
      modules,
      seen: (change) => seen(asText(change)),
      resume,
      onProgress(place) {
        resume = place;
      },
    },
  );
  try {
    for await (const change of changes) yield { ...asText(change), resume: change.resume };
  } catch (error) {
    throw asZohoError(error, resume);
  }
}

function asText({ module, id, operation, at }: RecordChange): Change {
  return { module, id, operation, at: at.toISOString() };
}
