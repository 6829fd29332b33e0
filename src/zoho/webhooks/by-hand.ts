/** Why the webhooks of a product are not managed here, where that is known, and where they are set up. */
interface ByHand {
  readonly why?: string;
  readonly how: string;
}

const CHANNELS = "its notifications are channels";

/** Places in Zoho's settings, as Zoho's help pages name them. */
export const BY_HAND: Readonly<Record<string, ByHand>> = {
  crm: {
    why: CHANNELS,
    how: "zoho-hooks channels; the webhooks of workflow rules are in Setup > Automation > Actions > Webhooks (by API: settings/automation/webhooks, and webhook_failures beside it)",
  },
  bigin: { why: CHANNELS, how: "zoho-hooks channels --product bigin" },
  recruit: {
    why: CHANNELS,
    how: "zoho-hooks channels --product recruit; the webhooks of workflow rules are in Setup > Automation > Workflow Rules > Webhooks",
  },
  expense: { how: "set it up in Settings > Automation > Actions > Webhooks" },
  subscriptions: {
    why: "Zoho documents no API that creates or changes its webhooks",
    how: "set it up in Settings > Automation > Webhooks",
  },
  payments: { why: "not managed here", how: "set it up in Settings > Developer Space > Webhooks" },
  mail: { how: "set it up in Settings > Integrations > Developer Space > Outgoing Webhooks" },
  salesiq: { why: "not managed here", how: "set it up in Settings > Developers > Workflows" },
  campaigns: {
    why: "not managed here",
    how: "set it up by Campaigns' own e-mail API: POST https://campaigns.zoho.com/emailapi/v2/settings/webhook",
  },
  creator: {
    why: "Creator has no webhooks of its own",
    how: "have a workflow's Deluge script post: invokeUrl [ url: … type: POST parameters: … ]",
  },
  analytics: {
    why: "a call-back belongs to a job",
    how: "name the address as callbackUrl in the CONFIG of each bulk export or import",
  },
  sprints: { how: "set it up in Settings > Automation > Webhook" },
  signals: {
    why: "its rules are made in Catalyst's console, and there is no API",
    how: "make a rule with a webhook target there",
  },
};
