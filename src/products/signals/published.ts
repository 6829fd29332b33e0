/** The events of Catalyst's own components and of Zoho's products that are documented; there are more. */
export const PUBLISHED = [
  ...["row_inserted", "row_updated", "row_deleted", "cache_item_created", "cache_item_updated"],
  ...["user_signedup", "user_confirmed", "user_deleted"],
  ...["stratus_object_uploaded", "stratus_object_downloaded", "stratus_object_updated", "stratus_object_deleted"],
  ...["contact_subscribed", "contact_unsubscribed", "email_sent", "email_opened", "email_clicked", "email_replied"],
  ...["email_bounced", "subscription_preference_updated", "field_updated", "list_updated", "tag_updated"],
  ...["score_updated", "response_created", "response_completed", "conversation_missed"],
  ...["project_create", "project_update", "project_delete", "project_archived"],
  ...["sprint_create", "sprint_update", "sprint_delete", "sprint_start", "sprint_complete", "sprint_canceled"],
] as const;
