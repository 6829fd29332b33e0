import type { WebhookReport } from "../../core/webhook-report.ts";

type Line = Readonly<Record<string, unknown>>;

export function webhookLine({ state, product, id, webhook, reason }: WebhookReport): Line {
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
