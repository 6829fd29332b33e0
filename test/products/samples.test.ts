import { describe, expect, it } from "vitest";
import { fixtureCases } from "../support/fixture-cases.ts";

/** The sample of an event, as an app reads it that keeps no digits. */
function sampleOf(product: string, name: string) {
  const found = fixtureCases().find((each) => each.product.id === product && each.name === name);
  return JSON.parse(found?.text ?? "");
}

describe("a sample of Zoho Sign", () => {
  it.each(["RequestSubmitted", "RequestRecalled", "RequestExpired"])("says that its owner did %s", (name) => {
    const { requests, notifications } = sampleOf("sign", name);
    expect(notifications.performed_by_email).toBe(requests.owner_email);
    expect(notifications.action_id).toBeUndefined();
  });

  it.each(["RequestViewed", "RequestSigningSuccess", "RequestApproved", "RequestCompleted", "RequestRejected"])(
    "says which recipient did %s, by the action that is his",
    (name) => {
      const { requests, notifications } = sampleOf("sign", name);
      const own = requests.actions.find((each: { action_id: unknown }) => each.action_id === notifications.action_id);
      expect(own.recipient_email).toBe(notifications.performed_by_email);
      expect(own.action_type).toBe(name === "RequestApproved" ? "APPROVER" : "SIGN");
    },
  );

  it("has ids as numbers, too, of more digits than an app keeps that parses them into one", () => {
    const { requests } = sampleOf("sign", "RequestSigningSuccess");
    expect(requests.request_id).toBeTypeOf("number");
    expect(Number.isSafeInteger(requests.request_id)).toBe(false);
  });
});
