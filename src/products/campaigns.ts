import { z } from "zod";
import { idsAt } from "../delivery/payload.ts";
import { event, type Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";
import { guideFormat, modelledOnGuide } from "./shared/guide-format.ts";
import { dateTime, lazyObject, optionalText, recordId, requiredText } from "./shared/schema-parts.ts";

const envelope = lazyObject({ event: requiredText, campaign: campaign, contact: () => contact().optional() });

// None of these events happens only once for a campaign and a recipient.
const guide = guideFormat({
  ...modelledOnGuide("Zoho Subscriptions Webhook Payload"),
  events: [
    event("campaign_sent", "A campaign was sent", () =>
      envelope().extend({
        event: z.literal("campaign_sent"),
        campaign: campaign().extend({ recipients: z.number().nullish(), sent_time: dateTime() }),
      }),
    ),
    recipientEvent("campaign_opened", "A recipient opened a campaign", () => ({ opened_time: dateTime() })),
    recipientEvent("campaign_clicked", "A recipient clicked a link in a campaign", () => ({
      link_url: z.string(),
      clicked_time: dateTime(),
    })),
    recipientEvent("campaign_bounced", "A campaign could not be delivered to a recipient", () => ({
      bounce_type: z.string(),
      bounce_reason: optionalText(),
      bounced_time: dateTime(),
    })),
    recipientEvent("campaign_unsubscribed", "A recipient unsubscribed through a campaign", () => ({
      unsubscribe_reason: optionalText(),
      unsubscribed_time: dateTime(),
    })),
  ],
  envelope: () => envelope,
  records: (data) => [...idsAt(data, ["campaign", "campaign_id"]), ...idsAt(data, ["contact", "contact_id"])],
});

function recipientEvent<const Name extends string, Shape extends z.ZodRawShape>(
  name: Name,
  summary: string,
  members: () => Shape,
) {
  const schema = () => envelope().extend({ event: z.literal(name), contact: contact() });
  return event(name, summary, () => schema().extend(members()));
}

function contact() {
  return z.looseObject({
    contact_id: recordId(),
    email: z.string(),
    first_name: optionalText(),
    last_name: optionalText(),
  });
}

function campaign() {
  return z.looseObject({ campaign_id: recordId(), campaign_name: z.string(), subject: optionalText() });
}

const wire = customFormat({
  id: "wire",
  source:
    "modelled on the custom data of a webhook of the Email API (https://zoho.com/campaigns/help/emailapi/webhooks/create-webhook.html)",
  evidence: "modelled",
  encoding: "json",
  event: { name: "webhook", summary: "An event of an e-mail that was sent through the Email API" },
});

export const campaigns = {
  id: "campaigns",
  title: "Zoho Campaigns",
  formats: [guide, wire],
} as const satisfies Product;
