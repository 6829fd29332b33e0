import { z } from "zod";
import { idsAt } from "../body/payload.ts";
import { event, type Product } from "../core/product.ts";
import { userFormed } from "../core/user-formed.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import { dateTime, optionalText, recordId } from "./shared/schema-parts.ts";

// Recipients open, click, bounce and unsubscribe as often as they like: nothing here happens only once.
const guide = guideFormat({
  source: modelledOnGuide("Zoho Subscriptions Webhook Payload"),
  events: [
    event("campaign_sent", "A campaign was sent", () =>
      z.looseObject({
        event: z.literal("campaign_sent"),
        campaign: campaign().extend({ recipients: z.number().nullish(), sent_time: dateTime() }),
      }),
    ),
    event("campaign_opened", "A recipient opened a campaign", () =>
      envelope("campaign_opened").extend({ opened_time: dateTime() }),
    ),
    event("campaign_clicked", "A recipient clicked a link in a campaign", () =>
      envelope("campaign_clicked").extend({ link_url: z.string(), clicked_time: dateTime() }),
    ),
    event("campaign_bounced", "A campaign could not be delivered to a recipient", () =>
      envelope("campaign_bounced").extend({
        bounce_type: z.string(),
        bounce_reason: optionalText(),
        bounced_time: dateTime(),
      }),
    ),
    event("campaign_unsubscribed", "A recipient unsubscribed through a campaign", () =>
      envelope("campaign_unsubscribed").extend({ unsubscribe_reason: optionalText(), unsubscribed_time: dateTime() }),
    ),
  ],
  records: (data) => [...idsAt(data, ["campaign", "campaign_id"]), ...idsAt(data, ["contact", "contact_id"])],
});

function envelope<const Name extends string>(name: Name) {
  return z.looseObject({
    event: z.literal(name),
    campaign: campaign(),
    contact: z.looseObject({
      contact_id: recordId(),
      email: z.string(),
      first_name: optionalText(),
      last_name: optionalText(),
    }),
  });
}

function campaign() {
  return z.looseObject({ campaign_id: recordId(), campaign_name: z.string(), subject: optionalText() });
}

const wire = userFormed({
  id: "wire",
  source: "https://zoho.com/campaigns/help/emailapi/webhooks/create-webhook.html",
  encoding: "json",
  event: { name: "webhook", summary: "Something happened to a mail that the Email API had sent" },
});

export const campaigns = {
  id: "campaigns",
  title: "Zoho Campaigns",
  formats: [guide, wire],
} as const satisfies Product;
