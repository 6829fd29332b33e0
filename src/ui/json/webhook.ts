import type { JsonLine } from "../../core/json-line.ts";
import type { WebhookReport } from "../../core/webhook-report.ts";

export function webhookLine({ state, product, id, webhook, reason }: WebhookReport): JsonLine {
  return {
    type: "webhook",
    state: state.replaceAll("-", "_"),
    product,
    id,
    ...(webhook === undefined
      ? {}
      : {
          name: webhook.name ?? null,
          url: webhook.url ?? null,
          events: webhook.events,
          enabled: webhook.enabled ?? null,
          rules: webhook.rules ?? null,
          secret: webhook.secret ?? null,
        }),
    ...(reason === undefined ? {} : { reason }),
  };
}
